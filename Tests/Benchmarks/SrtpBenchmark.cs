using System.Diagnostics;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Rtp;
using ConfCluster.Protocols.Srtp;
using ConfCluster.Protocols.Wire;

namespace ConfCluster.Benchmarks;

/// <summary>
/// Protect and unprotect of packets with 160 octets of payload in three suites, ours and libsrtp2's in turn in one process. Each round makes
/// 65,000 new packets; the times are of protect and unprotect alone.
/// </summary>
internal static unsafe class SrtpBenchmark
{
    private const int Packets = 65_000, Stride = 256, Length = 172, Rounds = 15;

    public static void Run(TextWriter output)
    {
        foreach (var profile in new[] { SrtpProfile.AesCm128HmacSha1Tag80, SrtpProfile.AeadAes128Gcm, SrtpProfile.AeadAes256Gcm }) Run(profile, output);
    }

    private static void Run(SrtpProfile profile, TextWriter output)
    {
        var key = Enumerable.Range(0, profile.MasterLength).Select(i => (byte)(7 * i + 1)).ToArray();
        var buffer = GC.AllocateArray<byte>(Packets * Stride, pinned: true);
        var times = new Dictionary<string, List<double>>();
        var hasLibrary = true;
        for (var round = 0; round < Rounds + 2; round++)
        {
            var ours = Ours(profile, key, buffer);
            (double, double)? theirs = null;
            try
            {
                if (hasLibrary) theirs = Theirs(profile, key, buffer);
            }
            catch (DllNotFoundException)
            {
                output.WriteLine("libsrtp2.so.1 is not installed (package libsrtp2-1): ours alone");
                hasLibrary = false;
            }

            // The first two rounds warm up the JIT.
            if (round < 2) continue;
            Add("ours protect", ours.Protect);
            Add("ours unprotect", ours.Unprotect);
            if (theirs is not { } t) continue;
            Add("libsrtp2 protect", t.Item1);
            Add("libsrtp2 unprotect", t.Item2);
            Add("ratio protect", ours.Protect / t.Item1);
            Add("ratio unprotect", ours.Unprotect / t.Item2);
        }

        output.WriteLine($"\n{profile.Name}\n\n| ns per packet | min | median | max |\n|---|---|---|---|");
        foreach (var (name, values) in times)
        {
            values.Sort();
            var format = name.StartsWith("ratio", StringComparison.Ordinal) ? "F2" : "F0";
            string Show(double v) => v.ToString(format, System.Globalization.CultureInfo.InvariantCulture);
            output.WriteLine($"| {name} | {Show(values[0])} | {Show(values[values.Count / 2])} | {Show(values[^1])} |");
        }

        void Add(string name, double value)
        {
            if (!times.TryGetValue(name, out var list)) times[name] = list = [];
            list.Add(value);
        }
    }

    private static (double Protect, double Unprotect) Ours(SrtpProfile profile, byte[] key, byte[] buffer)
    {
        using var ring = new KeyRing(profile);
        ring.Install(new MasterKey(ring.Profile, SecretBytes.CopyOf(key), Mki.None));
        ring.Activate(Mki.None);
        var (sender, receiver) = (new SrtpSender(ring), new SrtpReceiver(ring, 1));
        Fill(buffer);
        var length = Length + sender.Overhead;
        var start = Stopwatch.GetTimestamp();
        for (var i = 0; i < Packets; i++) sender.Protect(buffer.AsSpan(i * Stride, Stride), Length, new PacketIndex((ulong)i));
        var middle = Stopwatch.GetTimestamp();
        for (var i = 0; i < Packets; i++)
            if (receiver.Unprotect(buffer.AsSpan(i * Stride, length), out _, out _) != UnprotectError.None)
                throw new InvalidOperationException("not opened");
        return (Nanoseconds(start, middle), Nanoseconds(middle, Stopwatch.GetTimestamp()));
    }

    private static (double Protect, double Unprotect) Theirs(SrtpProfile profile, byte[] key, byte[] buffer)
    {
        using var sender = new LibSrtp(profile, key, outbound: true);
        using var receiver = new LibSrtp(profile, key, outbound: false);
        Fill(buffer);
        fixed (byte* packets = buffer)
        {
            var start = Stopwatch.GetTimestamp();
            var length = 0;
            for (var i = 0; i < Packets; i++) length = sender.Protect(packets + i * Stride, Length);
            var middle = Stopwatch.GetTimestamp();
            for (var i = 0; i < Packets; i++) receiver.Unprotect(packets + i * Stride, length);
            return (Nanoseconds(start, middle), Nanoseconds(middle, Stopwatch.GetTimestamp()));
        }
    }

    private static void Fill(byte[] buffer)
    {
        for (var i = 0; i < Packets; i++)
        {
            RtpHeader.Write(buffer.AsSpan(i * Stride), false, 0, (ushort)i, (uint)i * 160, new Ssrc(0xCAFEBABE));
            buffer.AsSpan(i * Stride + 12, 160).Fill((byte)i);
        }
    }

    private static double Nanoseconds(long from, long to) => Stopwatch.GetElapsedTime(from, to).TotalNanoseconds / Packets;
}
