using System.Buffers.Binary;

namespace ConfCluster.Support.Audio;

/// <summary>16-bit PCM WAV files for peers and judges: written whole, read leniently (a killed recorder leaves sizes of 0 or too large).</summary>
public static class Pcm
{
    /// <summary>A sum of sines, each at <paramref name="dbfs"/> of full scale, mono.</summary>
    public static short[] Tone(double seconds, int rate, double dbfs, params double[] frequencies)
    {
        var amplitude = 32767 * Math.Pow(10, dbfs / 20);
        var samples = new short[(int)(seconds * rate)];
        for (var i = 0; i < samples.Length; i++)
        {
            var sum = frequencies.Sum(f => amplitude * Math.Sin(2 * Math.PI * f * i / rate));
            samples[i] = (short)Math.Clamp(sum, short.MinValue, short.MaxValue);
        }

        return samples;
    }

    public static void WriteWav(string path, ReadOnlySpan<short> samples, int rate)
    {
        var bytes = new byte[44 + 2 * samples.Length];
        "RIFF"u8.CopyTo(bytes);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(4), bytes.Length - 8);
        "WAVEfmt "u8.CopyTo(bytes.AsSpan(8));
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(16), 16);
        BinaryPrimitives.WriteInt16LittleEndian(bytes.AsSpan(20), 1);
        BinaryPrimitives.WriteInt16LittleEndian(bytes.AsSpan(22), 1);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(24), rate);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(28), 2 * rate);
        BinaryPrimitives.WriteInt16LittleEndian(bytes.AsSpan(32), 2);
        BinaryPrimitives.WriteInt16LittleEndian(bytes.AsSpan(34), 16);
        "data"u8.CopyTo(bytes.AsSpan(36));
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(40), 2 * samples.Length);
        for (var i = 0; i < samples.Length; i++) BinaryPrimitives.WriteInt16LittleEndian(bytes.AsSpan(44 + 2 * i), samples[i]);
        File.WriteAllBytes(path, bytes);
    }

    /// <summary>The first channel of a 16-bit PCM file.</summary>
    /// <exception cref="InvalidDataException">Not a 16-bit PCM WAV file.</exception>
    public static (short[] Samples, int Rate) ReadWav(string path)
    {
        var bytes = File.ReadAllBytes(path).AsSpan();
        if (bytes.Length < 12 || !bytes[..4].SequenceEqual("RIFF"u8)) throw new InvalidDataException($"{path}: not a WAV file");
        int rate = 0, channels = 0, bits = 0;
        for (var at = 12; at + 8 <= bytes.Length;)
        {
            var size = BinaryPrimitives.ReadInt32LittleEndian(bytes[(at + 4)..]);
            var body = bytes[(at + 8)..];
            if (bytes.Slice(at, 4).SequenceEqual("fmt "u8))
            {
                channels = BinaryPrimitives.ReadInt16LittleEndian(body[2..]);
                rate = BinaryPrimitives.ReadInt32LittleEndian(body[4..]);
                bits = BinaryPrimitives.ReadInt16LittleEndian(body[14..]);
            }
            else if (bytes.Slice(at, 4).SequenceEqual("data"u8))
            {
                if (bits != 16) throw new InvalidDataException($"{path}: {bits} bits per sample, 16 expected");
                if (size <= 0 || size > body.Length) size = body.Length;
                return (FirstChannel(body[..size], channels), rate);
            }

            at += 8 + size + (size & 1);
        }

        throw new InvalidDataException($"{path}: no audio data");
    }

    private static short[] FirstChannel(ReadOnlySpan<byte> data, int channels)
    {
        var samples = new short[data.Length / (2 * channels)];
        for (var i = 0; i < samples.Length; i++) samples[i] = BinaryPrimitives.ReadInt16LittleEndian(data[(2 * channels * i)..]);
        return samples;
    }
}
