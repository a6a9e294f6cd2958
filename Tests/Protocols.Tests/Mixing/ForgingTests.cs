using ConfCluster.Protocols.Codecs;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Mixing;
using ConfCluster.Protocols.Phone;
using ConfCluster.Protocols.Rtp;
using ConfCluster.Protocols.Rtp.Rtcp;
using ConfCluster.Protocols.Srtp;
using Xunit;

namespace ConfCluster.Protocols.Tests.Mixing;

/// <summary>
/// The threat model of the README as tests: what a member, a former member and an outsider can forge with the keys that they have, and what they cannot. A
/// listener here is the softphone's media; what the mixer's stream is to it is what the mixer sends.
/// </summary>
public sealed class ForgingTests : IDisposable
{
    private static readonly MediaAddress Elsewhere = new(0, 0x7F000001, 9999, false);
    private static readonly byte[] Word = [.. Enumerable.Repeat((byte)0x21, 160)];
    private readonly GroupScene _scene = new();
    private readonly PhoneMedia _listener;
    private readonly List<MasterKey> _made = [];
    private long _generation;

    public ForgingTests() => _listener = new PhoneMedia(MixerScene.Settings, _scene.Mixer.Fill, MixerScene.Origin);

    public void Dispose()
    {
        _listener.Dispose();
        foreach (var key in _made) key.Dispose();
    }

    /// <summary>Not protected: a group key authenticates the group. The listener takes the member for the mixer, and the mixer's own packet of that number is lost.</summary>
    [Fact]
    public void A_member_can_forge_the_mixers_stream_to_a_member_under_the_group_key()
    {
        var phones = _scene.Group(3);
        _scene.Run(3);
        var genuine = Last(phones[1]);
        Tell(GroupKeyOf(1), NewKey(new Mki(1u << 31 | 1, 4)));
        RtpHeader.TryRead(genuine, out var header, out _);
        Hear(Forge(GroupKeyOf(1), header.Ssrc, header.Sequence));
        Assert.Equal((1ul, 0ul, 0ul), Fates());
        Hear(genuine);
        Assert.Equal((1ul, 0ul, 1ul), Fates());
    }

    /// <summary>Protected: <c>downlink = individual</c>, and each leg that is on a key of its own.</summary>
    [Fact]
    public void A_member_cannot_forge_to_a_listener_with_a_key_of_its_own()
    {
        var phones = _scene.Group(3);
        _scene.Run(3);
        RtpHeader.TryRead(Last(phones[1]), out var header, out _);
        var own = NewKey(new Mki(1u << 31 | 1, 4));
        Tell(own);
        Hear(Forge(own, header.Ssrc, 500));
        Hear(Forge(GroupKeyOf(1), header.Ssrc, 501));
        Hear(Forge(As(GroupKeyOf(1), own.Mki), header.Ssrc, 502));
        Assert.Equal((1ul, 2ul, 0ul), Fates());
    }

    /// <summary>Protected: what members send is under keys of their own, so nobody speaks for another, and the group key opens nothing at the mixer.</summary>
    [Theory]
    [InlineData(0, 0)]
    [InlineData(1, 4)]
    [InlineData(7, 4)]
    public void A_member_that_sends_under_the_group_key_is_refused_at_the_mixer(uint mki, byte length)
    {
        var phones = _scene.Group(2);
        // Also with the very number of the group key as the name of its own.
        phones[0].Rekey(new Mki(mki, length));
        _scene.Run(3, phones[0]);
        var before = phones[0].Statistics;
        _scene.Mixer.Mixer.Receive(phones[0].Slot, false, Forge(GroupKeyOf(1), phones[0].UplinkSsrc, 200), Elsewhere, _scene.Mixer.Now);
        _scene.Mixer.Mixer.Receive(phones[1].Slot, false, Forge(GroupKeyOf(1), phones[0].UplinkSsrc, 201), Elsewhere, _scene.Mixer.Now);
        AssertUntouched(before, phones[0]);
        Assert.Equal(1ul, Refused(phones[0].Statistics) - Refused(before));
        Assert.Equal((1ul, 0ul), (Refused(phones[1].Statistics), phones[1].Statistics.PacketsReceived));
    }

    [Fact]
    public void A_member_that_sends_under_the_SSRC_of_another_or_of_the_mixer_is_refused()
    {
        var phones = _scene.Group(3);
        _scene.Run(3, phones[0]);
        var (before, ours) = (phones[0].Statistics, phones[2].Heard[^1].Header.Ssrc);
        phones[1].UplinkSsrc = phones[0].UplinkSsrc;
        phones[1].Say(Word);
        phones[1].UplinkSsrc = ours;
        phones[1].Say(Word);
        Assert.Equal((2ul, 0ul), (phones[1].Statistics.Clashes, phones[1].Statistics.PacketsReceived));
        AssertUntouched(before, phones[0]);
    }

    /// <summary>Protected: who is out is not heard, at its own ports or at those of others, under any key that it had.</summary>
    [Fact]
    public void A_former_member_is_refused_at_the_mixer_under_each_key_that_it_had()
    {
        var phones = _scene.Group(3);
        _scene.Run(3, phones);
        var stale = phones[2].Packet(Word);
        Change(phones, leaver: phones[2]);
        var (before, unexpected) = (phones[0].Statistics, _scene.Mixer.Mixer.Unexpected);
        _scene.Mixer.Mixer.Receive(phones[2].Slot, false, [.. stale], Elsewhere, _scene.Mixer.Now);
        phones[2].Say(Word);
        _scene.Mixer.Mixer.Receive(phones[2].Slot, false, Forge(GroupKeyOf(1), phones[2].UplinkSsrc, 900), Elsewhere, _scene.Mixer.Now);
        Assert.Equal(3ul, _scene.Mixer.Mixer.Unexpected - unexpected);
        foreach (var packet in (byte[][])[stale, phones[2].Packet(Word), Forge(GroupKeyOf(1), phones[0].UplinkSsrc, 901), Forge(GroupKeyOf(1), phones[2].UplinkSsrc, 902)])
            _scene.Mixer.Mixer.Receive(phones[0].Slot, false, packet, Elsewhere, _scene.Mixer.Now);
        AssertUntouched(before, phones[0]);
        Assert.Equal(4ul, Refused(phones[0].Statistics) - Refused(before));
    }

    /// <summary>Not protected until the phone has let the old key go: two seconds after an SDP without it, as our softphone does. Then refused.</summary>
    [Fact]
    public void A_former_member_can_forge_to_a_member_until_the_old_key_is_gone_there_and_not_after()
    {
        var phones = _scene.Group(3);
        _scene.Run(3);
        RtpHeader.TryRead(Last(phones[1]), out var header, out _);
        Tell(GroupKeyOf(1));
        Hear(Last(phones[1]));
        Change(phones, leaver: phones[2]);
        Tell(GroupKeyOf(2));
        Pass(TimeSpan.FromSeconds(1));
        Hear(Forge(GroupKeyOf(1), header.Ssrc, header.Sequence + 50u));
        Assert.Equal((2ul, 0ul, 0ul), Fates());
        Pass(TimeSpan.FromSeconds(3));
        Hear(Forge(GroupKeyOf(1), header.Ssrc, header.Sequence + 51u));
        Hear(Forge(As(GroupKeyOf(1), GroupKeyOf(2).Mki), header.Ssrc, header.Sequence + 52u));
        Assert.Equal((2ul, 2ul, 0ul), Fates());
        Assert.Equal(header.Ssrc, Assert.Single(_listener.Statistics().Ssrcs));
    }

    /// <summary>Protected: without a key nothing is learned, whatever it looks like; the address of a leg follows authentic packets only.</summary>
    [Fact]
    public void An_outsider_is_refused_and_nothing_is_learned_of_it()
    {
        var phones = _scene.Group(2);
        _scene.Run(3, phones[0]);
        var (before, other) = (phones[0].Statistics, NewKey(Mki.None));
        var (named, rtcp) = (NewKey(new Mki(1, 4)), Report(NewKey(Mki.None), phones[0].UplinkSsrc));
        foreach (var packet in (byte[][])[Forge(other, phones[0].UplinkSsrc, 200), Forge(named, new Ssrc(0xBAD), 1), new byte[200], [0x80], rtcp])
            _scene.Mixer.Mixer.Receive(phones[0].Slot, false, packet, Elsewhere, _scene.Mixer.Now);
        AssertUntouched(before, phones[0]);
        Assert.Equal(5ul, Refused(phones[0].Statistics) - Refused(before));
        Assert.Equal(before.RtcpReceived, phones[0].Statistics.RtcpReceived);
        phones[0].Say(Word);
        Assert.Equal(before.PacketsReceived + 1, phones[0].Statistics.PacketsReceived);
    }

    /// <summary>Nobody is under the old key and whoever left is out.</summary>
    private void Change(MixerPhone[] phones, MixerPhone leaver)
    {
        var next = _scene.NewKey(2);
        leaver.IsIn = false;
        foreach (var phone in phones.Where(p => p.IsIn))
        {
            phone.Hold(next);
            phone.Epoch = 2;
        }

        _scene.Wish(2);
        _scene.Run(2);
    }

    private MasterKey GroupKeyOf(uint epoch) => _scene.Key(epoch).Keys[0];

    private MasterKey NewKey(Mki mki)
    {
        _made.Add(_scene.Mixer.NewKey(mki));
        return _made[^1];
    }

    /// <summary>The same key under another name.</summary>
    private MasterKey As(MasterKey key, Mki mki)
    {
        _made.Add(new MasterKey(key.Profile, key.KeyAndSalt.Copy(), mki));
        return _made[^1];
    }

    private byte[] Last(MixerPhone phone) => [.. _scene.Mixer.Sent.Last(s => s.Slot == phone.Slot && !s.Rtcp && !RtpHeader.LooksLikeRtcp(s.Packet)).Packet];

    /// <summary>Offer and answer have told the listener these keys.</summary>
    private void Tell(params MasterKey[] keys) => _listener.Use(new LegMedia(
        new ParticipantId("listener"), ++_generation, Elsewhere, Elsewhere, true, AudioCodec.Pcmu, 0, 101, MediaDirection.ReceiveOnly, 20,
        [.. keys.Select(k => k.Copy())], _scene.Mixer.NewKey()));

    private void Hear(byte[] packet) => _listener.Receive(rtcp: false, packet, _scene.Mixer.Now);

    private void Pass(TimeSpan time)
    {
        for (var end = _scene.Mixer.Now + time; _scene.Mixer.Now < end;)
        {
            _listener.Tick(_scene.Mixer.Now, new short[AudioFrame.Samples], new short[AudioFrame.Samples], new Nowhere());
            _scene.Mixer.Tick();
        }
    }

    private (ulong Taken, ulong Refused, ulong Replayed) Fates()
    {
        var s = _listener.Statistics();
        return (s.PacketsReceived, s.AuthFailures + s.UnknownMki + s.Malformed, s.Replays);
    }

    private static ulong Refused(in LegStatistics s) => s.AuthFailures + s.UnknownMki + s.Malformed + s.Replays;

    private static void AssertUntouched(in LegStatistics before, MixerPhone phone)
    {
        var after = phone.Statistics;
        Assert.Equal(
            (before.PacketsReceived, before.Remote, before.RemoteSsrc, before.PacketsLost, before.Clashes),
            (after.PacketsReceived, after.Remote, after.RemoteSsrc, after.PacketsLost, after.Clashes));
    }

    private static byte[] Forge(MasterKey key, Ssrc ssrc, uint index)
    {
        using var ring = Ring(key);
        var sender = new SrtpSender(ring);
        var packet = new byte[RtpHeader.FixedLength + Word.Length + sender.Overhead];
        RtpHeader.Write(packet, false, 0, (ushort)index, index * 160, ssrc);
        Word.CopyTo(packet, RtpHeader.FixedLength);
        sender.Protect(packet, RtpHeader.FixedLength + Word.Length, new PacketIndex(index));
        return packet;
    }

    private static byte[] Report(MasterKey key, Ssrc ssrc)
    {
        using var ring = Ring(key);
        var packet = new byte[128];
        var length = ReceiverReport.Write(packet, ssrc, null);
        length += SourceDescription.Write(packet.AsSpan(length), ssrc, "mallory"u8);
        return packet[..new SrtcpSender(ring).Protect(packet, length)];
    }

    private static KeyRing Ring(MasterKey key)
    {
        var ring = new KeyRing(key.Profile);
        ring.Install(key.Copy());
        ring.Activate(key.Mki);
        return ring;
    }

    private sealed class Nowhere : IMediaSink
    {
        public void Send(int slot, bool rtcp, ReadOnlySpan<byte> packet, in MediaAddress to)
        {
        }
    }
}
