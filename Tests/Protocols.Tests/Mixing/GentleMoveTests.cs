using ConfCluster.Protocols.Codecs;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Mixing;
using ConfCluster.Protocols.Rtp;
using Xunit;

namespace ConfCluster.Protocols.Tests.Mixing;

/// <summary>Phones go from a mixer to its successor one after the other, while both work and send each other what their legs say.</summary>
public sealed class GentleMoveTests : IMediaSink, IDisposable
{
    private const int Amplitude = 3000;
    private static readonly MixerId First = new(new ConferenceId("100"), 0, 1);
    private static readonly MixerId Second = First with { Incarnation = 2 };
    private static readonly MediaAddress AtFirst = new(0, 0x7F000001, 50_000, false);
    private static readonly MediaAddress AtSecond = AtFirst.WithPort(50_002);
    private readonly Queue<(bool ToFirst, byte[] Packet)> _underWay = [];
    private readonly MixerScene _old;
    private readonly ConferenceMixer _next;
    private readonly MixerPhone[] _phones;
    private readonly int[] _slots = [-1, -1, -1];
    private long _version = 10;

    public GentleMoveTests()
    {
        _old = new MixerScene { ToMixer = Carry };
        _next = new ConferenceMixer(MixerScene.Settings, new MixerScene(seed: 5).Fill, MixerScene.Origin);
        _phones = [.. Enumerable.Range(1, 3).Select(n => _old.Phone(number: n))];
    }

    public void Dispose() => _next.Dispose();

    [Fact]
    public void Who_has_moved_and_who_has_not_hear_each_other_and_nobody_hears_itself()
    {
        Tell(_phones);
        Run(50);
        for (var i = 0; i < 3; i++)
        {
            // It sends there from now on; the old one learns later that it need not be sent anything any more.
            Move(_phones[i], i);
            Run(5);
            Tell(_phones[(i + 1)..]);
            Run(20);
        }

        for (var i = 0; i < 3; i++)
        {
            var frames = _phones[i].Heard.Skip(20).Select(h => Decoded(_phones[i], h.Codes)).ToList();
            Assert.True(frames.Count >= 100, $"{frames.Count} frames");
            // Of its own voice nothing is there, but a trace of the others where they begin.
            Assert.All(frames, f => Assert.InRange(TrunkScene.Amplitude(f, Frequency(i)), 0, Amplitude / 10));
            // The voice of who moves is on its way to two mixers, one after the other; all others are heard all the time.
            for (var other = 0; other < 3; other++)
                if (other != i)
                    Assert.InRange(LongestSilence(frames, Frequency(other)), 0, 4);
        }
    }

    [Fact]
    public void Without_the_flow_between_them_who_has_moved_is_not_heard_by_who_has_not()
    {
        Tell(_phones, isJoined: false);
        Run(50);
        Move(_phones[0], 0, isJoined: false);
        Run(30);
        Assert.InRange(LongestSilence([.. _phones[1].Heard.Skip(20).Select(h => Decoded(_phones[1], h.Codes))], Frequency(0)), 20, 30);
    }

    void IMediaSink.Send(int slot, bool rtcp, ReadOnlySpan<byte> packet, in MediaAddress to)
    {
        if (slot == ConferenceMixer.TrunkSlot) Carry(packet.ToArray(), to);
        else _phones[Array.IndexOf(_slots, slot)].Take(rtcp, packet.ToArray());
    }

    private void Carry(byte[] packet, MediaAddress to) => _underWay.Enqueue((to == AtFirst, packet));

    /// <summary>Both know of each other; the first has those legs, the second all that moved.</summary>
    private void Tell(MixerPhone[] atFirst, bool isJoined = true)
    {
        _old.Mixer.SetState(State(First, [.. atFirst], isJoined ? (Second, AtSecond) : null));
        _next.SetState(State(Second, _phones, isJoined ? (First, AtFirst) : null));
        if (!isJoined) return;
        using var keys = TrunkKeys.Generate(1, [First, Second], _old.Fill);
        _old.Mixer.SetTrunkKeys(keys.Copy());
        _next.SetTrunkKeys(keys.Copy());
    }

    private MixerState State(MixerId mixer, MixerPhone[] phones, (MixerId, MediaAddress)? other) => new(
        mixer, new Incarnation(1), ++_version, [.. phones.Select(p => new MixerLeg(p.Id, SsrcAt(mixer, p)))])
    {
        Trunk = other is var (peer, address) ? new TrunkPlan(1, [new TrunkPeer(peer, address)]) : null,
    };

    /// <summary>The successor has SSRCs of its own.</summary>
    private static Ssrc SsrcAt(MixerId mixer, MixerPhone phone) => mixer == First ? phone.Ssrc : new Ssrc(phone.Ssrc.Value + 0x5000);

    private void Move(MixerPhone phone, int number, bool isJoined = true)
    {
        if (!isJoined) _next.SetState(State(Second, _phones, null));
        _slots[number] = _next.OpenLeg(phone.Id);
        _next.SetLeg(phone.Media());
    }

    private void Run(int ticks)
    {
        for (var i = 0; i < ticks; i++)
        {
            for (var n = 0; n < _phones.Length; n++)
            {
                var packet = _phones[n].Packet(Tone(_phones[n], n));
                if (_slots[n] >= 0) _next.Receive(_slots[n], false, packet, _phones[n].Address, _old.Now);
                else _old.Mixer.Receive(_phones[n].Slot, false, packet, _phones[n].Address, _old.Now);
            }

            while (_underWay.TryDequeue(out var next))
                (next.ToFirst ? _old.Mixer : _next).Receive(ConferenceMixer.TrunkSlot, false, next.Packet, AtFirst, _old.Now);
            _next.Tick(_old.Now, this);
            _old.Tick();
        }
    }

    private static int Frequency(int number) => 300 + 200 * number;

    private static byte[] Tone(MixerPhone phone, int number)
    {
        var from = (long)phone.NextIndex * AudioFrame.Samples;
        var step = 2 * Math.PI * Frequency(number) / G711.ClockRate;
        return [.. Enumerable.Range(0, AudioFrame.Samples).Select(i => G711.Encode(phone.Codec, (short)(Amplitude * Math.Sin(step * (from + i)))))];
    }

    private static short[] Decoded(MixerPhone phone, byte[] codes)
    {
        var samples = new short[codes.Length];
        G711.Decode(phone.Codec, codes, samples);
        return samples;
    }

    /// <summary>Frames in a row without that tone.</summary>
    private static int LongestSilence(List<short[]> frames, int frequency)
    {
        var (longest, now) = (0, 0);
        foreach (var frame in frames)
        {
            now = TrunkScene.Amplitude(frame, frequency) < Amplitude / 4.0 ? now + 1 : 0;
            longest = Math.Max(longest, now);
        }

        return longest;
    }
}
