using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using ConfCluster.Actors.Media;
using ConfCluster.Actors.Settings;
using ConfCluster.Protocols.Codecs;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Mixing;
using ConfCluster.Protocols.Rtp;
using ConfCluster.Protocols.Srtp;

namespace ConfCluster.Benchmarks;

/// <summary>What a tick of one conference costs in memory, and how late a lane's ticks come with real loopback sockets.</summary>
internal static class MixerBenchmark
{
    private static readonly MixerSettings Settings = new(3, 50, TimeSpan.FromSeconds(5));
    private static readonly MixerId Id = new(new ConferenceId("100"), 0, 1);

    public static void Run(TextWriter output)
    {
        output.WriteLine("| legs | talkers | µs per tick (opening, mixing, protecting) | share of 20 ms |");
        output.WriteLine("|---|---|---|---|");
        foreach (var legs in (int[])[10, 100, 500])
            foreach (var talkers in (int[])[3, legs])
                InMemory(output, legs, talkers);

        output.WriteLine();
        output.WriteLine("| legs | talkers | lane: late p50 | p99 | max | CPU of the process, phones included | packets in | packets out |");
        output.WriteLine("|---|---|---|---|---|---|---|---|");
        foreach (var legs in (int[])[10, 100, 500]) Loopback(output, legs, 3, TimeSpan.FromSeconds(8));
    }

    private static void InMemory(TextWriter output, int legs, int talkers)
    {
        using var mixer = new ConferenceMixer(Settings, RandomNumberGenerator.Fill, DateTimeOffset.UnixEpoch);
        var phones = Enumerable.Range(0, legs).Select(n => new BenchmarkPhone(n)).ToArray();
        foreach (var phone in phones)
        {
            phone.Slot = mixer.OpenLeg(phone.Id);
            mixer.SetLeg(phone.Media());
        }

        mixer.SetState(new MixerState(Id, new Incarnation(1), 1, [.. phones.Select(p => new MixerLeg(p.Id, p.Ssrc))]));
        var (sink, now, spent) = (new Nowhere(), TimeSpan.Zero, TimeSpan.Zero);
        const int Warm = 100;
        const int Measured = 300;
        for (var t = 0; t < Warm + Measured; t++)
        {
            for (var i = 0; i < talkers; i++) phones[i].Next();
            var start = Stopwatch.GetTimestamp();
            for (var i = 0; i < talkers; i++) mixer.Receive(phones[i].Slot, false, phones[i].Packet, phones[i].Address, now);
            mixer.Tick(now, sink);
            if (t >= Warm) spent += Stopwatch.GetElapsedTime(start);
            now += AudioFrame.Duration;
        }

        var each = spent.TotalMicroseconds / Measured;
        output.WriteLine($"| {legs} | {talkers} | {each:F0} | {each / 200:F1} % |");
    }

    private static void Loopback(TextWriter output, int legs, int talkers, TimeSpan duration)
    {
        var settings = new MediaSettings(
            IPAddress.Loopback, null, 42000, 46000, 1, 1000, Settings, TimeSpan.FromMilliseconds(500), TimeSpan.FromSeconds(40));
        using var plane = new MediaPlane(settings, TimeProvider.System);
        var opened = new System.Collections.Concurrent.BlockingCollection<LaneReport.Opened>();
        using var place = plane.Place(Id, r =>
        {
            if (r is LaneReport.Opened o) opened.Add(o);
        });
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        var phones = Enumerable.Range(0, legs).Select(n => new BenchmarkPhone(n)).ToArray();
        var ports = phones.Select(phone =>
        {
            place.Open(phone.Id);
            place.SetLeg(phone.Media() with { Remote = MediaAddress.From((IPEndPoint)socket.LocalEndPoint!) });
            return opened.Take().Rtp.ToEndPoint();
        }).ToArray();
        place.SetState(new MixerState(Id, new Incarnation(1), 1, [.. phones.Select(p => new MixerLeg(p.Id, p.Ssrc))]));

        var process = Process.GetCurrentProcess();
        var (cpu, start) = (process.TotalProcessorTime, Stopwatch.GetTimestamp());
        for (var t = 0; Stopwatch.GetElapsedTime(start) < duration; t++)
        {
            for (var i = 0; i < talkers; i++)
            {
                phones[i].Next();
                socket.SendTo(phones[i].Packet, ports[i]);
            }

            var left = t * AudioFrame.Duration - Stopwatch.GetElapsedTime(start);
            if (left > TimeSpan.Zero) Thread.Sleep(left);
        }

        var wall = Stopwatch.GetElapsedTime(start);
        process.Refresh();
        var share = (process.TotalProcessorTime - cpu) / wall;
        var lane = plane.Snapshot().Lanes[0];
        output.WriteLine(
            $"| {legs} | {talkers} | {lane.LatenessMedian.TotalMilliseconds:F2} ms | {lane.LatenessP99.TotalMilliseconds:F2} ms | "
            + $"{lane.LatenessMax.TotalMilliseconds:F2} ms | {share:P0} of a core | {lane.PacketsIn} | {lane.PacketsOut} |");
    }

    private sealed class Nowhere : IMediaSink
    {
        public void Send(int slot, bool rtcp, ReadOnlySpan<byte> packet, in MediaAddress to)
        {
        }
    }
}

/// <summary>A talker with SRTP of its own, whose packets are made before the clock runs.</summary>
internal sealed class BenchmarkPhone
{
    private readonly MasterKey _uplink = NewKey();
    private readonly SrtpSender _sender;
    private readonly byte[] _buffer = new byte[RtpHeader.FixedLength + 160 + 10];
    private ulong _index = 1;

    public BenchmarkPhone(int number)
    {
        (Id, Ssrc) = (new ParticipantId($"p{number}"), new Ssrc((uint)(0x10000 + number)));
        Address = new MediaAddress(0, 0x7F000001, (ushort)(10000 + number), false);
        var ring = new KeyRing(_uplink.Profile);
        ring.Install(_uplink.Copy());
        ring.Activate(default);
        _sender = new SrtpSender(ring);
    }

    public ParticipantId Id { get; }

    public Ssrc Ssrc { get; }

    public MediaAddress Address { get; }

    public int Slot { get; set; }

    public byte[] Packet => _buffer;

    public LegMedia Media() => new(
        Id, 1, Address, Address, true, AudioCodec.Pcmu, 0, null, MediaDirection.SendReceive, 20, [_uplink.Copy()], NewKey());

    public void Next()
    {
        RtpHeader.Write(_buffer, false, 0, (ushort)_index, (uint)(_index * 160), new Ssrc(Ssrc.Value + 0x10000));
        for (var i = 0; i < 160; i++) _buffer[RtpHeader.FixedLength + i] = (byte)(i * 7 + (int)_index);
        _sender.Protect(_buffer, RtpHeader.FixedLength + 160, new PacketIndex(_index++));
    }

    private static MasterKey NewKey() => MasterKey.Generate(SrtpProfile.AesCm128HmacSha1Tag80, default, RandomNumberGenerator.Fill);
}
