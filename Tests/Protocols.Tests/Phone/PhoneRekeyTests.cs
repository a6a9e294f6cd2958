using System.Collections.Immutable;
using System.Net;
using ConfCluster.Protocols.Codecs;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Mixing;
using ConfCluster.Protocols.Phone;
using ConfCluster.Protocols.Rtp;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Parsing;
using ConfCluster.Protocols.Srtp;
using ConfCluster.Support;
using Xunit;

namespace ConfCluster.Protocols.Tests.Phone;

/// <summary>Keys and SSRCs of the peer change in the middle of a sentence, and the phone loses not a frame of it.</summary>
public sealed class PhoneRekeyTests : IMediaSink, IDisposable
{
    private static readonly MediaAddress Peer = MediaAddress.From(IPAddress.Loopback, 40_000);
    private readonly Random _random = new(7);
    private readonly PhoneMedia _phone;
    private readonly List<MasterKey> _keys = [];
    private readonly short[] _heard = new short[AudioFrame.Samples];
    private readonly SortedDictionary<int, List<byte[]>> _onTheWay = [];
    private Ssrc _ssrc = new(0xA001);
    private ulong _index = 1000;
    private long _generation;
    private int _tick;

    public PhoneRekeyTests() =>
        _phone = new PhoneMedia(new MixerSettings(3, 32, TimeSpan.FromSeconds(5)), _random.NextBytes, DateTimeOffset.UnixEpoch);

    public void Dispose()
    {
        _phone.Dispose();
        foreach (var key in _keys) key.Dispose();
    }

    void IMediaSink.Send(int slot, bool rtcp, ReadOnlySpan<byte> packet, in MediaAddress to)
    {
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [Trait("RFC", "3550 §8")]
    public void Ten_new_SSRCs_with_ten_new_keys_leave_no_gap(int jitter)
    {
        var old = NewKey(1);
        List(old);
        Hear(old, 50, jitter);
        for (var n = 2; n <= 11; n++)
        {
            var next = NewKey(n);
            List(old, next);
            Hear(old, 5, jitter);
            (_ssrc, _index) = (new Ssrc(0xA000 + (uint)n), (ulong)_random.Next(0x8000));
            Hear(next, 45, jitter);
            old = next;
        }

        AssertWhole(packets: 550);
        Assert.Equal((11, 11), (_phone.Statistics().Mkis, _phone.Statistics().Ssrcs.Length));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    [Trait("RFC", "4568 §7.1.4")]
    public void A_key_that_the_newest_SDP_has_no_more_opens_what_is_on_its_way_and_then_nothing(bool mki)
    {
        var (old, next) = (NewKey(mki ? 1 : 0), NewKey(mki ? 2 : 0));
        List(old);
        Hear(old, 20, 0);
        List(next);
        Hear(old, 10, 0);
        Hear(next, 100, 0);
        AssertWhole(packets: 130);

        Hear(old, 10, 0);
        var after = _phone.Statistics();
        Assert.Equal((130ul, 10ul), (after.PacketsReceived, after.UnknownMki + after.AuthFailures));
    }

    [Fact]
    [Trait("RFC", "3311 §5.1")]
    public void A_phone_that_takes_no_UPDATE_says_so_and_refuses_one()
    {
        var network = new SimulatedNetwork(1, NetworkConditions.Clean);
        var settings = PhoneSettings.Default with { TakesUpdate = false };
        using var bob = new SimulatedPhone(network, "10.0.0.2", new IPEndPoint(IPAddress.Parse("10.0.0.1"), 5060), 1000, 2, settings);
        using var alice = new SimulatedPhone(network, "10.0.0.1", bob.Sip, 440, 1);
        alice.Dial(bob);
        network.RunFor(TimeSpan.FromSeconds(2));
        var ok = bob.Sent.OfType<SipResponse>().Last(r => r.StatusCode == 200);
        Assert.DoesNotContain("UPDATE", ok.Headers.First("Allow"), StringComparison.Ordinal);

        var (_, update) = ((CallState.Talking)alice.Call.State).Dialog.NewRequest(SipMethod.Update);
        update = update with { Headers = update.Headers.Prepend("Via", $"SIP/2.0/UDP {alice.Sip};branch=z9hG4bKupdate") };
        network.Send(alice.Sip, bob.Sip, SipWriter.ToBytes(update));
        network.RunFor(TimeSpan.FromSeconds(1));
        Assert.Equal(405, bob.Sent.OfType<SipResponse>().Last().StatusCode);
        Assert.Null(bob.End);
    }

    private MasterKey NewKey(int number)
    {
        var key = MasterKey.Generate(SrtpProfile.AesCm128HmacSha1Tag80, number > 0 ? new Mki((uint)number, 4) : Mki.None, _random.NextBytes);
        _keys.Add(key);
        return key;
    }

    private void List(params MasterKey[] keys) => _phone.Use(new LegMedia(
        new ParticipantId("peer"), ++_generation, Peer, Peer, true, AudioCodec.Pcmu, 0, 101, MediaDirection.SendReceive, 20,
        [.. keys.Select(k => k.Copy())], keys[0].Copy()));

    /// <summary>One frame is said and one is heard every 20 ms.</summary>
    /// <param name="jitter">Frames that a packet is late at most: they overtake each other, those of another SSRC too.</param>
    private void Hear(MasterKey key, int frames, int jitter)
    {
        var sender = new SrtpSender(RingOf(key));
        for (var i = 0; i < frames; i++, _tick++)
        {
            var buffer = new byte[RtpHeader.FixedLength + 160 + sender.Overhead];
            RtpHeader.Write(buffer, false, 0, (ushort)_index, (uint)(_tick * 160 + (int)_ssrc.Value), _ssrc);
            for (var s = 0; s < 160; s++) buffer[RtpHeader.FixedLength + s] = G711.Encode(AudioCodec.Pcmu, (short)(8000 * Math.Sin(0.3 * (160 * _tick + s))));
            sender.Protect(buffer, RtpHeader.FixedLength + 160, new PacketIndex(_index++));
            var arrives = _tick + (jitter == 0 ? 0 : _random.Next(jitter + 1));
            if (!_onTheWay.TryGetValue(arrives, out var list)) _onTheWay[arrives] = list = [];
            list.Add(buffer);
            foreach (var packet in _onTheWay.GetValueOrDefault(_tick) ?? []) _phone.Receive(rtcp: false, packet, _tick * AudioFrame.Duration);
            _onTheWay.Remove(_tick);
            _phone.Tick(_tick * AudioFrame.Duration, new short[AudioFrame.Samples], _heard, this);
        }
    }

    private void AssertWhole(ulong packets)
    {
        var heard = _phone.Statistics();
        var late = (ulong)_onTheWay.Values.Sum(l => l.Count);
        Assert.Equal((packets - late, 0ul, 0ul), (heard.PacketsReceived, heard.UnknownMki + heard.AuthFailures + heard.Replays, heard.LateOrDuplicate));
        Assert.Equal((0, TimeSpan.Zero, 0ul), (heard.Gaps, heard.LongestGap, heard.Concealed));
    }

    private static KeyRing RingOf(MasterKey key)
    {
        var ring = new KeyRing(key.Profile);
        ring.Install(key.Copy());
        ring.Activate(key.Mki);
        return ring;
    }
}
