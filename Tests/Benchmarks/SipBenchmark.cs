using System.Buffers;
using System.Diagnostics;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Parsing;
using ConfCluster.Support;

namespace ConfCluster.Benchmarks;

/// <summary>Reading and writing a 1 kB INVITE with SDP, one thread; reading includes the checks of all typed header fields.</summary>
internal static class SipBenchmark
{
    private const int Messages = 50_000, Rounds = 9;

    private static readonly byte[] Invite = ExampleInvite.Bytes.ToArray();

    public static void Run(TextWriter output)
    {
        if (!SipReader.TryRead(Invite, out var message, out var error)) throw new InvalidOperationException($"{error.Kind}: {error.Detail}");
        var writer = new ArrayBufferWriter<byte>(4096);
        var (read, write) = (new List<double>(), new List<double>());
        for (var round = 0; round < Rounds + 2; round++)
        {
            var start = Stopwatch.GetTimestamp();
            for (var i = 0; i < Messages; i++) SipReader.TryRead(Invite, out message, out _);
            var middle = Stopwatch.GetTimestamp();
            for (var i = 0; i < Messages; i++)
            {
                writer.ResetWrittenCount();
                SipWriter.Write(message!, writer);
            }

            if (round < 2) continue;
            read.Add(Stopwatch.GetElapsedTime(start, middle).TotalMicroseconds / Messages);
            write.Add(Stopwatch.GetElapsedTime(middle).TotalMicroseconds / Messages);
        }

        var before = GC.GetAllocatedBytesForCurrentThread();
        SipReader.TryRead(Invite, out message, out _);
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        output.WriteLine($"INVITE of {Invite.Length} octets; reading one allocates {allocated} octets\n\n| µs per message | min | median | max |\n|---|---|---|---|");
        foreach (var (name, values) in new[] { ("read", read), ("write", write) })
        {
            values.Sort();
            output.WriteLine(FormattableString.Invariant($"| {name} | {values[0]:F2} | {values[values.Count / 2]:F2} | {values[^1]:F2} |"));
        }
    }
}
