using ConfCluster.Protocols.Rtp;
using ConfCluster.Support;
using CsCheck;
using Xunit;

namespace ConfCluster.Protocols.Tests.Rtp;

public class HeaderExtensionsTests
{
    [Fact]
    [Trait("RFC", "8285 §4.2")]
    public void The_elements_of_the_RFC_s_figure_are_found_and_its_padding_is_not()
    {
        // ID 1 with one octet, ID 2 with two, two octets of padding, ID 3 with four: the figure of §4.2.
        byte[] words = [0x10, 0xA1, 0x21, 0xB1, 0xB2, 0, 0, 0x33, 0xC1, 0xC2, 0xC3, 0xC4];
        Assert.Equal([0xA1], Find(words, 1));
        Assert.Equal([0xB1, 0xB2], Find(words, 2));
        Assert.Equal([0xC1, 0xC2, 0xC3, 0xC4], Find(words, 3));
        Assert.Null(Find(words, 4));
    }

    [Theory]
    [InlineData(0xF0)] // the reserved identifier
    [InlineData(0x01)] // an identifier of 0 with a length
    [Trait("RFC", "8285 §4.1.2")]
    public void Behind_a_reserved_identifier_nothing_counts(byte reserved)
    {
        byte[] words = [0x10, 0xA1, reserved, 0x20, 0xB1, 0x30, 0xC1, 0];
        Assert.Equal([0xA1], Find(words, 1));
        Assert.Null(Find(words, 2));
        Assert.Null(Find(words, 3));
    }

    [Fact]
    public void An_element_that_is_cut_is_none() => Assert.Null(Find([0x10, 0xA1, 0x2F, 0xB1], 2));

    [Fact]
    public void Another_form_has_no_elements_for_us() => Assert.Null(Find([0x10, 0xA1, 0, 0], 1, profile: 0x1000));

    [Fact]
    public void What_is_appended_is_found_and_the_header_says_how_long_it_is() =>
        Gen.Select(Gen.Byte[1, HeaderExtensions.LastId], Gen.Byte.Array[1, 16], Gen.UInt.Array[0, RtpHeader.MaxCsrcs]).Sample((id, data, csrcs) =>
        {
            var packet = new byte[200];
            Array.Fill(packet, (byte)0xEE);
            var length = RtpHeader.Write(packet, true, 8, 7, 6, new Ssrc(5), csrcs.Select(c => new Ssrc(c)).ToArray());
            var all = HeaderExtensions.Append(packet, length, id, data);
            var read = Fragments.InsideALargerBuffer(packet.AsSpan(0, all + 3)).Span;
            return all == length + HeaderExtensions.LengthOf(data.Length) && RtpHeader.TryRead(read, out var header, out _) && header.Length == all
                && header.CsrcCount == csrcs.Length && HeaderExtensions.TryFind(header, read, id, out var found) && found.SequenceEqual(data)
                && !HeaderExtensions.TryFind(header, read, (byte)(id % HeaderExtensions.LastId + 1), out _);
        });

    [Fact]
    public void Whatever_the_words_are_looking_never_throws() =>
        Gen.Select(Gen.Byte.Array[0, 40], Gen.Byte).Sample((words, id) => Find([.. words, .. new byte[(4 - words.Length % 4) % 4]], id) is not { Length: 0 });

    [Theory]
    [InlineData(0)]
    [InlineData(15)]
    public void An_identifier_that_there_is_not_cannot_be_written(byte id) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => HeaderExtensions.Append(new byte[40], 12, id, [1]));

    private static byte[]? Find(byte[] words, byte id, ushort profile = HeaderExtensions.OneByteForm)
    {
        byte[] packet =
            [0x90, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, (byte)(profile >> 8), (byte)profile, 0, (byte)(words.Length / 4), .. words, 0xFF, 0xFF];
        Assert.True(RtpHeader.TryRead(packet, out var header, out _));
        return HeaderExtensions.TryFind(header, packet, id, out var data) ? data.ToArray() : null;
    }
}
