using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace ConfCluster.Actors.Phone;

/// <summary>WAV files as the softphone plays and records them: RIFF, PCM of 16 bits, one channel, 8,000 samples a second. Nothing is converted.</summary>
public static class WavFile
{
    private const int SampleRate = 8000;
    private const int HeaderLength = 44;

    /// <summary>False with the reason, which names what the file has and what it should have.</summary>
    public static bool TryRead(ReadOnlySpan<byte> file, out short[] samples, out string problem)
    {
        samples = [];
        problem = "";
        if (file.Length < 12 || !file.StartsWith("RIFF"u8) || !file[8..].StartsWith("WAVE"u8))
        {
            problem = "not a WAV file (no RIFF/WAVE header)";
            return false;
        }

        var known = false;
        for (var rest = file[12..]; rest.Length >= 8;)
        {
            var length = BinaryPrimitives.ReadUInt32LittleEndian(rest[4..]);
            // Writers that were cut off leave a length of 0 or of all ones in the data chunk: what is there counts.
            var content = rest[8..Math.Min(rest.Length, (int)Math.Min(length, int.MaxValue - 8) + 8)];
            if (rest.StartsWith("fmt "u8))
            {
                problem = Format(content);
                if (problem.Length > 0) return false;
                known = true;
            }
            else if (rest.StartsWith("data"u8))
            {
                if (!known)
                {
                    problem = "no fmt chunk before the data";
                    return false;
                }

                samples = Samples(content[..(content.Length & ~1)]);
                if (samples.Length == 0) problem = "no samples";
                return samples.Length > 0;
            }

            // RIFF: chunks are padded to an even length.
            rest = rest[Math.Min(rest.Length, 8 + content.Length + (content.Length & 1))..];
        }

        problem = "no data chunk";
        return false;
    }

    /// <summary>The whole file.</summary>
    public static byte[] Write(ReadOnlySpan<short> samples)
    {
        var file = new byte[HeaderLength + 2 * samples.Length];
        var at = file.AsSpan();
        "RIFF"u8.CopyTo(at);
        BinaryPrimitives.WriteInt32LittleEndian(at[4..], file.Length - 8);
        "WAVEfmt "u8.CopyTo(at[8..]);
        BinaryPrimitives.WriteInt32LittleEndian(at[16..], 16);
        BinaryPrimitives.WriteInt16LittleEndian(at[20..], 1);
        BinaryPrimitives.WriteInt16LittleEndian(at[22..], 1);
        BinaryPrimitives.WriteInt32LittleEndian(at[24..], SampleRate);
        BinaryPrimitives.WriteInt32LittleEndian(at[28..], 2 * SampleRate);
        BinaryPrimitives.WriteInt16LittleEndian(at[32..], 2);
        BinaryPrimitives.WriteInt16LittleEndian(at[34..], 16);
        "data"u8.CopyTo(at[36..]);
        BinaryPrimitives.WriteInt32LittleEndian(at[40..], 2 * samples.Length);
        for (var i = 0; i < samples.Length; i++) BinaryPrimitives.WriteInt16LittleEndian(at[(HeaderLength + 2 * i)..], samples[i]);
        return file;
    }

    private static string Format(ReadOnlySpan<byte> format)
    {
        if (format.Length < 16) return "fmt chunk too short";
        var tag = BinaryPrimitives.ReadUInt16LittleEndian(format);
        var channels = BinaryPrimitives.ReadUInt16LittleEndian(format[2..]);
        var rate = BinaryPrimitives.ReadUInt32LittleEndian(format[4..]);
        var bits = BinaryPrimitives.ReadUInt16LittleEndian(format[14..]);
        return (tag, channels, rate, bits) == (1, 1, SampleRate, 16)
            ? ""
            : $"format {tag}, {channels} channels, {rate} Hz, {bits} bits: it must be format 1 (PCM), 1 channel, {SampleRate} Hz, 16 bits";
    }

    private static short[] Samples(ReadOnlySpan<byte> content)
    {
        var samples = new short[content.Length / 2];
        if (BitConverter.IsLittleEndian) content.CopyTo(MemoryMarshal.AsBytes(samples.AsSpan()));
        else
            for (var i = 0; i < samples.Length; i++) samples[i] = BinaryPrimitives.ReadInt16LittleEndian(content[(2 * i)..]);
        return samples;
    }
}
