using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Rtp;
using ConfCluster.Protocols.Srtp;
using CsCheck;
using Xunit;

namespace ConfCluster.Protocols.Tests.Srtp;

/// <summary>Whatever the suite, the MKI, the header and the length: what was protected opens to what it was, and nothing else opens.</summary>
public class SuiteProperties
{
    private static readonly Gen<SrtpProfile> Suite = Gen.Int[0, SrtpProfile.All.Length - 1].Select(i => SrtpProfile.All[i]);

    private static readonly Gen<Mki> AnyMki = Gen.Int[0, 8].Select(n => n == 0 ? Mki.None : new Mki(1, (byte)n));

    /// <summary>CSRCs, words of a header extension (-1: none) and octets of payload.</summary>
    private static readonly Gen<(int Csrcs, int Words, int Payload)> Shape = Gen.Select(Gen.Int[0, 15], Gen.Int[-1, 9], Gen.Int[0, 600]);

    [Fact]
    [Trait("RFC", "7714 §8.2")]
    public void A_packet_opens_to_what_it_was_also_over_wraps_and_a_flipped_bit_leaves_no_trace() =>
        Gen.Select(Suite, AnyMki, Shape, Gen.ULong[0, (1UL << 40) - 4], Gen.Int[0, int.MaxValue]).Sample((suite, mki, shape, first, flip) =>
        {
            using var ring = Ring(suite, mki);
            var (sender, receiver) = (new SrtpSender(ring), new SrtpReceiver(ring, 1));
            if (first > 0xFFFF) receiver.Resume(new Ssrc(7), new PacketIndex(first - 1));
            else first &= 0x7FFF;
            var sources = receiver.SourceCount;
            for (var index = first; index < first + 3; index++)
            {
                var plain = Packet(shape, (ushort)index);
                var packet = new byte[plain.Length + sender.Overhead];
                plain.CopyTo(packet, 0);
                if (sender.Protect(packet, plain.Length, new PacketIndex(index)) != packet.Length) return false;
                if (index == first && !IsRefusedUnchanged(packet, flip, f => receiver.Unprotect(f, out _, out _))) return false;
                if (index == first && receiver.SourceCount != sources) return false;
                if (receiver.Unprotect(packet, out _, out var length) != UnprotectError.None) return false;
                if (!packet.AsSpan(0, length).SequenceEqual(plain)) return false;
            }

            return receiver.TryGetHighest(new Ssrc(7), out var highest) && highest.Value == first + 2;
        }, iter: 3000);

    [Fact]
    [Trait("RFC", "7714 §9.2")]
    public void A_report_opens_to_what_it_was_and_a_flipped_bit_leaves_no_trace() =>
        Gen.Select(Suite, AnyMki, Gen.Byte.Array[0, 400], Gen.Int[0, int.MaxValue]).Sample((suite, mki, body, flip) =>
        {
            using var ring = Ring(suite, mki);
            var (sender, receiver) = (new SrtcpSender(ring), new SrtcpReceiver(ring, 1));
            byte[] plain = [0x80, 201, 0, 1, 0, 0, 0, 7, .. body];
            for (var i = 0; i < 3; i++)
            {
                var packet = new byte[plain.Length + sender.Overhead];
                plain.CopyTo(packet, 0);
                if (sender.Protect(packet, plain.Length) != packet.Length) return false;
                if (i == 0 && (!IsRefusedUnchanged(packet, flip, f => receiver.Unprotect(f, out _)) || receiver.SourceCount != 0)) return false;
                if (receiver.Unprotect(packet, out var length) != UnprotectError.None) return false;
                if (!packet.AsSpan(0, length).SequenceEqual(plain)) return false;
            }

            return true;
        }, iter: 3000);

    [Fact]
    public void Every_bit_of_a_packet_and_a_report_counts_in_every_suite()
    {
        foreach (var suite in SrtpProfile.All)
        {
            using var ring = Ring(suite, new Mki(1, 2));
            var (rtp, rtcp) = (new SrtpSender(ring), new SrtcpSender(ring));
            var (packet, report) = (new byte[172 + rtp.Overhead], new byte[8 + 20 + rtcp.Overhead]);
            Packet((0, -1, 160), 1).CopyTo(packet, 0);
            new byte[] { 0x80, 201, 0, 1, 0, 0, 0, 7 }.CopyTo(report, 0);
            rtp.Protect(packet, 172, new PacketIndex(1));
            rtcp.Protect(report, 28);
            var (receiver, reports) = (new SrtpReceiver(ring, 4), new SrtcpReceiver(ring, 4));
            for (var bit = 0; bit < 8 * packet.Length; bit++) Assert.True(IsRefusedUnchanged(packet, bit, f => receiver.Unprotect(f, out _, out _)));
            for (var bit = 0; bit < 8 * report.Length; bit++) Assert.True(IsRefusedUnchanged(report, bit, f => reports.Unprotect(f, out _)));
            Assert.Equal(0, receiver.SourceCount + reports.SourceCount);
        }
    }

    [Fact]
    public void Protecting_and_opening_allocate_nothing_in_any_suite()
    {
        foreach (var suite in SrtpProfile.All)
        {
            using var ring = Ring(suite, Mki.None);
            var (sender, receiver, packet) = (new SrtpSender(ring), new SrtpReceiver(ring, 1), new byte[256]);
            void Once(uint i)
            {
                RtpHeader.Write(packet, false, 0, (ushort)i, i * 160, new Ssrc(7));
                var length = sender.Protect(packet, 172, new PacketIndex(i));
                if (receiver.Unprotect(packet.AsSpan(0, length), out _, out _) != UnprotectError.None) throw new InvalidOperationException();
            }

            for (var i = 1u; i < 200; i++) Once(i);
            var before = GC.GetAllocatedBytesForCurrentThread();
            for (var i = 200u; i < 1200; i++) Once(i);
            Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
        }
    }

    private static bool IsRefusedUnchanged(byte[] packet, int flip, Func<byte[], UnprotectError> unprotect)
    {
        var forged = packet.ToArray();
        forged[flip / 8 % forged.Length] ^= (byte)(1 << flip % 8);
        var before = forged.ToArray();
        return unprotect(forged) != UnprotectError.None && forged.AsSpan().SequenceEqual(before);
    }

    private static KeyRing Ring(SrtpProfile suite, Mki mki)
    {
        var ring = new KeyRing(suite);
        ring.Install(MasterKey.Generate(suite, mki, span => span.Fill(5)));
        ring.Activate(mki);
        return ring;
    }

    private static byte[] Packet((int Csrcs, int Words, int Payload) shape, ushort sequence)
    {
        byte[] csrcs = [.. Enumerable.Range(1, 4 * shape.Csrcs).Select(i => (byte)i)];
        byte[] extension = shape.Words < 0 ? [] : [0xBE, 0xDE, 0, (byte)shape.Words, .. new byte[4 * shape.Words]];
        var header = new byte[12];
        RtpHeader.Write(header, false, 0, sequence, 160u * sequence, new Ssrc(7));
        header[0] |= (byte)(shape.Csrcs | (shape.Words < 0 ? 0 : 0x10));
        return [.. header, .. csrcs, .. extension, .. Enumerable.Range(0, shape.Payload).Select(i => (byte)(31 * i))];
    }
}
