using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using ConfCluster.Actors.Media.Opus;
using ConfCluster.Protocols.Codecs;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Mixing;
using ConfCluster.Protocols.Rtp;
using ConfCluster.Protocols.Srtp;

namespace ConfCluster.Benchmarks;

/// <summary>
/// What a packet of a phone costs the mixer, decoded or not: a hundred legs that send and are sent nothing, so that the time is of opening the packet, the
/// jitter buffer, the choice of who is mixed, and the decoder where it runs. The phones' own work is not in it.
/// </summary>
internal static class UndecodedBenchmark
{
    private const int Legs = 100, Warm = 200, Measured = 500, Rounds = 5;
    private static readonly ExtensionIds Levels = new(1, false, 0);

    public static void Run(TextWriter output)
    {
        output.WriteLine("| codec | opened, nothing else | silent by its level: not decoded | loud by its level, five are louder: not decoded | no level: decoded and measured |");
        output.WriteLine("|---|---|---|---|---|");
        foreach (var codec in (AudioCodec[])[AudioCodec.Pcmu, AudioCodec.G722, AudioCodec.Opus])
        {
            if (!SystemCodecs.Found.Has(codec)) continue;
            string[] times = [Opened(codec), Mixed(codec, AudioLevel.Silence), Mixed(codec, 20), Mixed(codec, null)];
            output.WriteLine($"| {codec} | {string.Join(" | ", times)} |");
        }
    }

    /// <summary>SRTP alone.</summary>
    private static string Opened(AudioCodec codec)
    {
        var spent = new List<double>();
        for (var round = 0; round < Rounds; round++)
        {
            var phones = Phones(codec, AudioLevel.Silence);
            var receivers = phones.Select(p => p.Receiver()).ToArray();
            spent.Add(Measure(phones, now =>
            {
                for (var i = 0; i < Legs; i++)
                    if (receivers[i].Unprotect(phones[i].Packet, out _, out _) != UnprotectError.None)
                        throw new InvalidOperationException("not opened");
            }));
        }

        return Text(spent);
    }

    private static string Mixed(AudioCodec codec, byte? level)
    {
        var (spent, undecoded) = (new List<double>(), 0UL);
        for (var round = 0; round < Rounds; round++)
        {
            var settings = new MixerSettings(3, 50, TimeSpan.FromSeconds(5)) { Codecs = SystemCodecs.Found };
            using var mixer = new ConferenceMixer(settings, RandomNumberGenerator.Fill, DateTimeOffset.UnixEpoch);
            var phones = Phones(codec, level);
            foreach (var phone in phones)
            {
                phone.Slot = mixer.OpenLeg(phone.Id);
                mixer.SetLeg(phone.Media(level is null ? default : Levels));
            }

            var legs = phones.Select(p => new MixerLeg(p.Id, p.Ssrc));
            mixer.SetState(new MixerState(new MixerId(new ConferenceId("100"), 0, 1), new Incarnation(1), 1, [.. legs]));
            var sink = new Nowhere();
            spent.Add(Measure(phones, now =>
            {
                for (var i = 0; i < Legs; i++) mixer.Receive(phones[i].Slot, false, phones[i].Packet, phones[i].Address, now);
                mixer.Tick(now, sink);
            }));
            undecoded = phones.Aggregate(0UL, (sum, p) => sum + mixer.Statistics(p.Slot).Undecoded);
        }

        return $"{Text(spent)}, {(double)undecoded / (Legs * (Warm + Measured)):P0} skipped";
    }

    private static SendingPhone[] Phones(AudioCodec codec, byte? level) => [.. Enumerable.Range(0, Legs).Select(n => new SendingPhone(n, codec, level))];

    /// <summary>Nanoseconds for each packet.</summary>
    private static double Measure(SendingPhone[] phones, Action<TimeSpan> tick)
    {
        var (now, spent) = (TimeSpan.Zero, 0L);
        for (var t = 0; t < Warm + Measured; t++, now += AudioFrame.Duration)
        {
            foreach (var phone in phones) phone.Next();
            var start = Stopwatch.GetTimestamp();
            tick(now);
            if (t >= Warm) spent += Stopwatch.GetTimestamp() - start;
        }

        return (double)spent / Stopwatch.Frequency * 1e9 / (Measured * Legs);
    }

    private static string Text(List<double> times)
    {
        times.Sort();
        return string.Create(CultureInfo.InvariantCulture, $"{times[Rounds / 2]:F0} ({times[0]:F0} to {times[^1]:F0})");
    }

    private sealed class Nowhere : IMediaSink
    {
        public void Send(int slot, bool rtcp, ReadOnlySpan<byte> packet, in MediaAddress to)
        {
        }
    }

    /// <summary>Sends a tone, coded once, with a level in each packet or none.</summary>
    private sealed class SendingPhone
    {
        private readonly MasterKey _uplink = MasterKey.Generate(SrtpProfile.AesCm128HmacSha1Tag80, default, RandomNumberGenerator.Fill);
        private readonly SrtpSender _sender;
        private readonly OfferedCodec _codec;
        private readonly byte? _level;
        private readonly byte[] _codes;
        private readonly byte[] _buffer = new byte[1024];
        private ulong _index = 1;
        private int _length;

        public SendingPhone(int number, AudioCodec codec, byte? level)
        {
            (Id, Ssrc, _codec, _level) = (new ParticipantId($"p{number}"), new Ssrc((uint)(0x10000 + number)), OfferedCodec.Of(codec), level);
            Address = new MediaAddress(0, 0x7F000001, (ushort)(10000 + number), false);
            _sender = new SrtpSender(Ring());
            using var encoder = SystemCodecs.Found.CreateEncoder(codec);
            var frame = new short[encoder.SampleRate / 50];
            for (var i = 0; i < frame.Length; i++) frame[i] = (short)(8000 * Math.Sin(2 * Math.PI * 400 * i / encoder.SampleRate));
            var codes = new byte[480];
            _codes = codes[..encoder.Encode(frame, codes)];
        }

        public ParticipantId Id { get; }

        public Ssrc Ssrc { get; }

        public MediaAddress Address { get; }

        public int Slot { get; set; }

        public Span<byte> Packet => _buffer.AsSpan(0, _length);

        public SrtpReceiver Receiver() => new(Ring(), 1);

        public LegMedia Media(ExtensionIds extensions) => new(
            Id, 1, Address, Address, true, _codec.Codec, _codec.PayloadType, null, MediaDirection.ReceiveOnly, 20, [_uplink.Copy()],
            MasterKey.Generate(_uplink.Profile, default, RandomNumberGenerator.Fill))
        {
            Extensions = extensions,
        };

        public void Next()
        {
            var ticks = (ulong)AudioFormat.Of(_codec.Codec).TicksPerFrame;
            RtpHeader.Write(_buffer, false, _codec.PayloadType, (ushort)_index, (uint)(_index * ticks), new Ssrc(Ssrc.Value + 0x10000));
            var head = _level is { } level
                ? HeaderExtensions.Append(_buffer, RtpHeader.FixedLength, Levels.AudioLevel, [new AudioLevel(level, false).Octet])
                : RtpHeader.FixedLength;
            _codes.CopyTo(_buffer, head);
            _length = _sender.Protect(_buffer, head + _codes.Length, new PacketIndex(_index++));
        }

        private KeyRing Ring()
        {
            var ring = new KeyRing(_uplink.Profile);
            ring.Install(_uplink.Copy());
            ring.Activate(default);
            return ring;
        }
    }
}
