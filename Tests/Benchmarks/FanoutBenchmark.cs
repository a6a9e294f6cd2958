using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using ConfCluster.Actors.Media;
using ConfCluster.Actors.Settings;
using ConfCluster.Protocols.Codecs;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Mixing;
using ConfCluster.Protocols.Rtp;
using ConfCluster.Protocols.Srtp;

namespace ConfCluster.Benchmarks;

/// <summary>
/// One group stream to 1,000 legs over real loopback sockets: processor time of the thread for a mixer's tick, by packet sent. It includes the mix,
/// one encoding, one encryption, and for each leg the choice of its stream, its statistics, RTCP when due, and sendto. Receivers are drained outside.
/// </summary>
internal static partial class FanoutBenchmark
{
    private const int Legs = 1000;
    private const int Warm = 400;
    private const int Measured = 400;

    public static void Run(TextWriter output)
    {
        using var sockets = new LinuxMediaSockets(MediaSocketOptions.OfTheSystem);
        using var mixer = new ConferenceMixer(new MixerSettings(3, 50, TimeSpan.FromSeconds(5)), RandomNumberGenerator.Fill, DateTimeOffset.UnixEpoch);
        var listeners = Enumerable.Range(0, Legs).Select(_ => Bound()).ToArray();
        var sink = new Sink(sockets);
        var legs = listeners.Select((s, n) => Join(mixer, sockets, sink, s, n)).ToImmutableArray();
        mixer.SetGroupKey(GroupKey.Generate(new KeyEpoch(1), [SrtpProfile.AesCm128HmacSha1Tag80], RandomNumberGenerator.Fill));
        mixer.SetState(new MixerState(new MixerId(new ConferenceId("100"), 0, 1), new Incarnation(1), 1, legs)
        {
            Epochs = [new KeyEpoch(1)],
            SharedSsrcs = [.. Enumerable.Range(1, 16).Select(n => new Ssrc((uint)n))],
        });

        var buffer = new byte[2048];
        var (now, spent, sent, heard) = (TimeSpan.Zero, 0L, 0L, 0L);
        for (var tick = 0; tick < Warm + Measured; tick++, now += AudioFrame.Duration)
        {
            var (before, packets) = (ThreadNanoseconds(), sink.Packets);
            mixer.Tick(now, sink);
            if (tick >= Warm) (spent, sent) = (spent + ThreadNanoseconds() - before, sent + sink.Packets - packets);
            foreach (var listener in listeners)
                while (listener.Available > 0)
                    heard += listener.Receive(buffer) > 0 ? 1 : 0;
        }

        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"mixer's tick to {Legs} legs   {(double)spent / sent:F0} ns/packet, got {heard} of {sink.Packets}"));
        foreach (var listener in listeners) listener.Dispose();
    }

    private static MixerLeg Join(ConferenceMixer mixer, LinuxMediaSockets sockets, Sink sink, Socket listener, int number)
    {
        var id = new ParticipantId($"p{number}");
        var to = MediaAddress.From((IPEndPoint)listener.LocalEndPoint!);
        mixer.OpenLeg(id);
        mixer.SetLeg(new LegMedia(id, 1, to, to, true, AudioCodec.Pcmu, 0, null, MediaDirection.SendReceive, 20, [Key()], Key()));
        var port = 0;
        using (var free = Bound()) port = ((IPEndPoint)free.LocalEndPoint!).Port;
        if (sockets.TryBind(IPAddress.Loopback, port, out var handle) != BindOutcome.Bound) throw new InvalidOperationException($"port {port} is taken");
        sink.Handles.Add(handle);
        return new MixerLeg(id, new Ssrc((uint)(0x10000 + number)), new LegKeyUse(LegKeyMode.ByMki, new KeyEpoch(1)));
    }

    private static Socket Bound()
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return socket;
    }

    private static MasterKey Key() => MasterKey.Generate(SrtpProfile.AesCm128HmacSha1Tag80, new Mki(1, 4), RandomNumberGenerator.Fill);

    private static long ThreadNanoseconds()
    {
        const int ThreadClock = 3;
        var time = default(TimeSpec);
        return ReadClock(ThreadClock, ref time) == 0 ? time.Seconds * 1_000_000_000 + time.Nanoseconds : throw new InvalidOperationException("no thread clock");
    }

    [LibraryImport("libc", EntryPoint = "clock_gettime")]
    private static partial int ReadClock(int clock, ref TimeSpec time);

    private struct TimeSpec
    {
        public long Seconds;
        public long Nanoseconds;
    }

    private sealed class Sink(LinuxMediaSockets sockets) : IMediaSink
    {
        public List<int> Handles { get; } = [];

        public long Packets { get; private set; }

        public void Send(int slot, bool rtcp, ReadOnlySpan<byte> packet, in MediaAddress to)
        {
            if (sockets.Send(Handles[slot], packet, to)) Packets++;
        }
    }
}
