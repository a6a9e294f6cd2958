using System.Buffers.Binary;
using ConfCluster.Actors.Phone;
using ConfCluster.Support;
using Xunit;

namespace ConfCluster.Actors.Tests.Phone;

public class WavFileTests
{
    private static readonly short[] Samples = [0, 1, -1, short.MaxValue, short.MinValue, 1234];

    [Fact]
    public void What_was_written_is_read_back()
    {
        Assert.True(WavFile.TryRead(WavFile.Write(Samples), out var read, out _));
        Assert.Equal(Samples, read);
    }

    [Fact]
    public void Chunks_that_are_not_known_are_passed_over_and_a_data_chunk_without_a_length_goes_to_the_end()
    {
        var plain = WavFile.Write(Samples);
        byte[] more = [.. plain[..36], .. "LIST"u8, 3, 0, 0, 0, 1, 2, 3, 0, .. plain[36..]];
        BinaryPrimitives.WriteUInt32LittleEndian(more.AsSpan(36 + 12 + 4), uint.MaxValue);
        Assert.True(WavFile.TryRead(more, out var read, out var problem), problem);
        Assert.Equal(Samples, read);
    }

    [Theory]
    [InlineData(20, 7, "format 7")]
    [InlineData(22, 2, "2 channels")]
    [InlineData(24, 0x3E80, "16000 Hz")]
    [InlineData(34, 8, "8 bits")]
    public void Another_format_is_refused_by_its_name(int offset, ushort value, string named)
    {
        var file = WavFile.Write(Samples);
        BinaryPrimitives.WriteUInt16LittleEndian(file.AsSpan(offset), value);
        Assert.False(WavFile.TryRead(file, out _, out var problem));
        Assert.Contains(named, problem, StringComparison.Ordinal);
        Assert.Contains("it must be", problem, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_is_cut_or_damaged_is_read_or_refused_with_a_reason()
    {
        var whole = WavFile.Write(Samples);
        foreach (var file in Fragments.CutAtEveryLength(whole).Concat(Fragments.WithEveryByteChanged(whole, b => (byte)~b)))
        {
            if (!WavFile.TryRead(file, out _, out var problem)) Assert.NotEmpty(problem);
        }
    }
}
