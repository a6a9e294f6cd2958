using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Rtp;
using ConfCluster.Protocols.Srtp;
using ConfCluster.Protocols.Wire;
using CsCheck;
using Xunit;

namespace ConfCluster.Protocols.Tests.Srtp;

public class SrtpProperties
{
    private static readonly SrtpProfile Profile = SrtpProfile.AesCm128HmacSha1Tag80;

    internal static KeyRing Ring(byte seed = 1, params Mki[] mkis)
    {
        var ring = new KeyRing(Profile);
        foreach (var mki in mkis.Length == 0 ? [Mki.None] : mkis)
            ring.Install(MasterKey.Generate(Profile, mki, span => span.Fill((byte)(seed + mki.Value))));
        ring.Activate(mkis.Length == 0 ? Mki.None : mkis[0]);
        return ring;
    }

    internal static byte[] Protected(SrtpSender sender, PacketIndex index, uint ssrc = 7)
    {
        var packet = new byte[12 + 160 + sender.Overhead];
        RtpHeader.Write(packet, false, 0, index.Sequence, (uint)index.Value * 160, new Ssrc(ssrc));
        packet.AsSpan(12, 160).Fill((byte)index.Sequence);
        return packet[..sender.Protect(packet, 172, index)];
    }

    [Fact]
    [Trait("RFC", "3711 §3.3")]
    public void Whatever_is_lost_or_reordered_the_rest_is_opened_over_wraps_of_the_sequence_number() =>
        Gen.Select(Gen.UShort[0, 0x7FFF], Gen.Int[1, 300].Array[50]).Sample((first, steps) =>
        {
            using var ring = Ring();
            var (sender, receiver) = (new SrtpSender(ring), new SrtpReceiver(ring, 1));
            var index = (ulong)first;
            foreach (var step in steps)
            {
                var pair = new[] { Protected(sender, new PacketIndex(index)), Protected(sender, new PacketIndex(index + 1)) };
                if (step % 2 == 0 && index != first) Array.Reverse(pair);
                foreach (var packet in pair)
                {
                    if (receiver.Unprotect(packet, out var header, out var length) != UnprotectError.None) return false;
                    if (length != 172 || packet[12] != (byte)header.Sequence) return false;
                }

                index += (ulong)step * 100;
            }

            return true;
        }, iter: 200);

    [Fact]
    [Trait("RFC", "3711 §3.3.1")]
    public void The_estimated_index_is_the_nearest_one() =>
        Gen.Select(Gen.UInt[1, 1_000_000], Gen.UShort, Gen.UShort).Sample((roc, highest, sequence) =>
        {
            var h = new PacketIndex(roc, highest);
            var estimate = PacketIndex.Estimate(h, sequence);
            var distance = estimate.Value > h.Value ? estimate.Value - h.Value : h.Value - estimate.Value;
            return distance <= 0x8000 && estimate.Sequence == sequence;
        });

    [Fact]
    [Trait("RFC", "3711 §3.3.2")]
    public void The_window_takes_every_index_exactly_once() =>
        Gen.UInt[0, 600].Array[200].Sample(indices =>
        {
            var window = default(ReplayWindow);
            var model = new HashSet<uint>();
            foreach (var index in indices)
            {
                var highest = model.Count == 0 ? 0 : model.Max();
                var expected = !model.Contains(index) && (model.Count == 0 || index > highest || highest - index < ReplayWindow.Size);
                if (window.Accepts(index) != expected) return false;
                if (!expected) continue;
                window.Commit(index);
                model.Add(index);
            }

            return true;
        });
}
