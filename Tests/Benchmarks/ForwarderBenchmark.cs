using System.Buffers.Binary;
using System.Diagnostics;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Mixing;
using ConfCluster.Protocols.Rtp;
using ConfCluster.Protocols.Srtp;

namespace ConfCluster.Benchmarks;

/// <summary>What it costs to pass a packet on unopened: everything but the sockets. The mixer's ticks beside it are those of <see cref="MixerBenchmark"/>.</summary>
internal static class ForwarderBenchmark
{
    private const int Rounds = 2000;
    private static readonly SrtpProfile Suite = SrtpProfile.AesCm128HmacSha1Tag80;

    public static void Run(TextWriter output)
    {
        output.WriteLine("| legs | talkers | µs per 20 ms of all talkers | ns per packet out | packets out per 20 ms |");
        output.WriteLine("|---|---|---|---|---|");
        foreach (var legs in (int[])[10, 100, 500]) Run(output, legs, 3);
    }

    private static void Run(TextWriter output, int legs, int talkers)
    {
        var forwarder = new Forwarder(new MixerSettings(3, 50, TimeSpan.FromSeconds(5)));
        for (var slot = 0; slot < legs; slot++)
            forwarder.SetLeg(slot, new ForwardedLeg(Id(slot), 1, Home(slot), Home(slot), true, MediaDirection.SendReceive, 0, Suite));
        var slots = Enumerable.Range(0, legs).ToDictionary(Id);
        var state = new MixerState(
            new MixerId(new ConferenceId("100"), 0, 1), new Incarnation(1), 1,
            [.. slots.Values.Select(n => new MixerLeg(Id(n), new Ssrc((uint)n + 1), new LegKeyUse(LegKeyMode.ByMki, new KeyEpoch(1))) { Uplink = new Ssrc((uint)n + 5000) })])
        {
            ForwardsFrom = new KeyEpoch(1),
        };
        forwarder.SetState(state, p => slots[p]);
        var packets = Enumerable.Range(0, talkers).Select(n => Packet(new Ssrc((uint)n + 5000))).ToArray();
        var (sink, now) = (new Counting(), TimeSpan.Zero);
        for (var round = 0; round < Rounds / 4; round++) Round();
        var (sent, start) = (sink.Count, Stopwatch.GetTimestamp());
        for (var round = 0; round < Rounds; round++) Round();
        var (spent, count) = (Stopwatch.GetElapsedTime(start), sink.Count - sent);
        output.WriteLine($"| {legs} | {talkers} | {spent.TotalMicroseconds / Rounds:F1} | {spent.TotalNanoseconds / count:F1} | {count / Rounds} |");

        void Round()
        {
            for (var i = 0; i < talkers; i++) forwarder.Receive(i, false, packets[i], Home(i), now, sink);
            now += AudioFrame.Duration;
        }
    }

    private static ParticipantId Id(int slot) => new($"p{slot}");

    private static MediaAddress Home(int slot) => new(0, 0x7F000001, (ushort)(20000 + 2 * slot), false);

    private static byte[] Packet(Ssrc source)
    {
        var packet = new byte[RtpHeader.FixedLength + 160 + GroupKey.MkiLength + Suite.RtpTagLength];
        RtpHeader.Write(packet, false, 0, 1, 0, source);
        BinaryPrimitives.WriteUInt32BigEndian(packet.AsSpan(RtpHeader.FixedLength + 160), 1);
        return packet;
    }

    private sealed class Counting : IMediaSink
    {
        public long Count { get; private set; }

        public void Send(int slot, bool rtcp, ReadOnlySpan<byte> packet, in MediaAddress to) => Count++;
    }
}
