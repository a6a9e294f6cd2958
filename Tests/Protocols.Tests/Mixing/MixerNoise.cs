using ConfCluster.Protocols.Codecs;
using ConfCluster.Protocols.Mixing;

namespace ConfCluster.Protocols.Tests.Mixing;

/// <summary>What phones of a scene say where every sample counts.</summary>
internal static class MixerNoise
{
    /// <summary>Frames between saying and hearing with a jitter buffer of three packets.</summary>
    public const int Delay = 2;

    public static void Talk(this MixerScene scene, MixerPhone[] phones, int ticks)
    {
        for (var t = 0; t < ticks; t++)
        {
            foreach (var phone in phones) phone.Say(Frame(phone, t));
            scene.Tick();
        }
    }

    /// <summary>Loud enough that sums saturate now and then, and different for every phone, tick and sample.</summary>
    public static byte[] Frame(MixerPhone phone, int tick) =>
        [.. Enumerable.Range(0, 160).Select(i => (byte)((i * 7 + tick * 31 + (int)phone.UplinkSsrc.Value * 53) * 2654435761L >> 8))];

    public static IEnumerable<byte> SumOf(IEnumerable<MixerPhone> phones, int tick)
    {
        var frames = phones.Select(p => Frame(p, tick)).ToArray();
        return Enumerable.Range(0, 160).Select(i => G711.Encode(AudioCodec.Pcmu, (short)Math.Clamp(
            frames.Sum(f => G711.Decode(AudioCodec.Pcmu, f[i])), short.MinValue, short.MaxValue)));
    }
}
