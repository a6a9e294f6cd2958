using System.Collections.Immutable;
using ConfCluster.Protocols.Codecs;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Mixing;
using ConfCluster.Protocols.Rtp;

namespace ConfCluster.Protocols.Tests.Mixing;

/// <summary>Several mixers of one conference on virtual time, each with phones of its own. What one sends to another arrives before that one's next tick.</summary>
internal sealed class TrunkScene
{
    private const int FirstPort = 50_000;
    private readonly Queue<(int To, byte[] Packet)> _underWay = [];
    private long _version;
    private ulong _seed = 77;

    public TrunkScene(int mixers, int phones)
    {
        for (var i = 0; i < mixers; i++) Add(phones);
        Join(1);
    }

    public List<MixerScene> Mixers { get; } = [];

    /// <summary>All packets between mixers.</summary>
    public List<(MediaAddress To, byte[] Packet)> Exchanged { get; } = [];

    public IEnumerable<MixerPhone> Phones => Mixers.SelectMany(m => m.Phones);

    public static MixerId Id(int number, long incarnation = 0) => new(new ConferenceId("100"), number, incarnation == 0 ? number + 1 : incarnation);

    public MixerScene Add(int phones)
    {
        var number = Mixers.Count;
        var scene = new MixerScene(seed: (ulong)(100 + number)) { ToMixer = (packet, to) => Carry(packet, to) };
        Mixers.Add(scene);
        for (var i = 1; i <= phones; i++) scene.Phone(number: 10 * number + i);
        return scene;
    }

    /// <summary>The mixers of those numbers, all if none, are joined under keys of their own, once all have their keys.</summary>
    public void Join(long generation, params int[] numbers)
    {
        if (numbers.Length == 0) numbers = [.. Enumerable.Range(0, Mixers.Count)];
        using var keys = TrunkKeys.Generate(generation, numbers.Select(n => Id(n)), Fill);
        foreach (var number in numbers) Tell(number, generation, keys, numbers);
    }

    public void Tell(int number, long generation, TrunkKeys keys, params int[] numbers)
    {
        var scene = Mixers[number];
        scene.Mixer.SetTrunkKeys(keys.Copy());
        scene.Mixer.SetState(new MixerState(Id(number), new Incarnation(1), ++_version, [.. scene.Phones.Select(p => new MixerLeg(p.Id, p.Ssrc))])
        {
            Trunk = new TrunkPlan(generation, [.. numbers.Where(n => n != number).Select(n => new TrunkPeer(Id(n), AddressOf(n)))]),
        });
    }

    public static MediaAddress AddressOf(int number) => new(0, 0x7F000001, (ushort)(FirstPort + 2 * number), false);

    /// <summary>Each phone says its tone in every tick.</summary>
    public void Run(int ticks, params MixerPhone[] talkers)
    {
        for (var i = 0; i < ticks; i++)
        {
            foreach (var talker in talkers) talker.Say(Tone(talker));
            while (_underWay.TryDequeue(out var next)) Mixers[next.To].Mixer.Receive(ConferenceMixer.TrunkSlot, false, next.Packet, AddressOf(0), Mixers[next.To].Now);
            foreach (var scene in Mixers) scene.Tick();
        }
    }

    /// <summary>Another for each phone: 300 Hz, 350 Hz and so on.</summary>
    public int Frequency(MixerPhone phone) => 300 + 50 * Phones.ToList().IndexOf(phone);

    /// <summary>What it heard last, decoded.</summary>
    public static short[] Heard(MixerPhone phone, int frames)
    {
        var samples = new short[frames * AudioFrame.Samples];
        for (var i = 0; i < frames; i++) G711.Decode(phone.Codec, phone.Heard[^(frames - i)].Codes, samples.AsSpan(i * AudioFrame.Samples, AudioFrame.Samples));
        return samples;
    }

    /// <summary>The amplitude of a tone in it (Goertzel).</summary>
    public static double Amplitude(ReadOnlySpan<short> samples, int frequency)
    {
        var (re, im) = (0.0, 0.0);
        for (var i = 0; i < samples.Length; i++)
        {
            var at = 2 * Math.PI * frequency * i / G711.ClockRate;
            (re, im) = (re + samples[i] * Math.Cos(at), im + samples[i] * Math.Sin(at));
        }

        return 2 * Math.Sqrt(re * re + im * im) / samples.Length;
    }

    public void Fill(Span<byte> bytes)
    {
        foreach (ref var b in bytes) b = (byte)((_seed = _seed * 6_364_136_223_846_793_005 + 1_442_695_040_888_963_407) >> 56);
    }

    private byte[] Tone(MixerPhone phone)
    {
        var from = (long)phone.NextIndex * AudioFrame.Samples;
        var step = 2 * Math.PI * Frequency(phone) / G711.ClockRate;
        return [.. Enumerable.Range(0, AudioFrame.Samples).Select(i => G711.Encode(phone.Codec, (short)(3000 * Math.Sin(step * (from + i)))))];
    }

    private void Carry(byte[] packet, MediaAddress to)
    {
        Exchanged.Add((to, packet.ToArray()));
        _underWay.Enqueue(((to.Port - FirstPort) / 2, packet));
    }
}
