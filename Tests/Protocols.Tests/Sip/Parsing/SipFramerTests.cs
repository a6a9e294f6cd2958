using System.Text;
using ConfCluster.Protocols.Sip.Parsing;
using ConfCluster.Support;
using Xunit;

namespace ConfCluster.Protocols.Tests.Sip.Parsing;

public sealed class SipFramerTests
{
    private const string First = "OPTIONS sip:a@b SIP/2.0\r\nl: 5\r\n\r\n12345";
    private const string Second = "SIP/2.0 200 OK\r\nX: 1\r\n folded\r\nContent-Length:\r\n 0\r\n\r\n";

    private static List<string> Frames(IEnumerable<byte[]> pieces)
    {
        using var framer = new SipFramer();
        var seen = new List<string>();
        foreach (var piece in pieces)
        {
            framer.Append(piece);
            SipFrameOutcome outcome;
            while ((outcome = framer.Next(out var frame, out var error)) != SipFrameOutcome.NeedMoreData)
            {
                seen.Add(outcome == SipFrameOutcome.Done ? Encoding.ASCII.GetString(frame) : $"{outcome} {error.Kind}");
                if (outcome == SipFrameOutcome.Malformed) return seen;
            }
        }

        return seen;
    }

    private static List<string> Frames(string stream) => Frames([Encoding.ASCII.GetBytes(stream)]);

    [Fact]
    [Trait("RFC", "3261 §18.3")]
    public void Messages_come_out_the_same_however_the_stream_is_cut()
    {
        var stream = Encoding.ASCII.GetBytes($"\r\n{First}\r\n\r\n{Second}{First}\r\n");
        string[] expected = [First, "Ping None", Second, First];
        Assert.Equal(expected, Frames([stream]));
        Assert.Equal(expected, Frames(Fragments.InPieces(stream, 1)));
        foreach (var pieces in Fragments.SplitAtEveryByte(stream)) Assert.Equal(expected, Frames(pieces));
    }

    [Fact]
    [Trait("RFC", "5626 §3.5.1")]
    public void A_double_CRLF_is_a_ping_and_a_single_one_is_nothing()
    {
        Assert.Equal(["Ping None", "Ping None"], Frames("\r\n\r\n\r\n\r\n\r\n"));
        Assert.Empty(Frames("\r\n"));
    }

    [Theory]
    [InlineData("OPTIONS sip:a@b SIP/2.0\r\nX: 1\r\n\r\n", SipErrorKind.BadContentLength)]
    [InlineData("OPTIONS sip:a@b SIP/2.0\r\nContent-Length: -1\r\n\r\n", SipErrorKind.BadContentLength)]
    [InlineData("OPTIONS sip:a@b SIP/2.0\r\nContent-Length:\r\n\r\n", SipErrorKind.BadContentLength)]
    [InlineData("OPTIONS sip:a@b SIP/2.0\r\nl: 1\r\n 2\r\n\r\n", SipErrorKind.BadContentLength)]
    [InlineData("OPTIONS sip:a@b SIP/2.0\r\nl: 5\r\nContent-Length: 5\r\n\r\n", SipErrorKind.DuplicateHeader)]
    [InlineData("OPTIONS sip:a@b SIP/2.0\r\nl: 65536\r\n\r\n", SipErrorKind.TooLong)]
    [InlineData("\x16\x03\x01", SipErrorKind.NotSip)]
    [Trait("RFC", "3261 §20.14")]
    public void A_stream_that_cannot_be_cut_stays_malformed(string stream, SipErrorKind kind)
    {
        using var framer = new SipFramer();
        framer.Append(Encoding.ASCII.GetBytes(stream));
        Assert.Equal(SipFrameOutcome.Malformed, framer.Next(out _, out var error));
        Assert.Equal(kind, error.Kind);
        framer.Append(Encoding.ASCII.GetBytes(First));
        Assert.Equal(SipFrameOutcome.Malformed, framer.Next(out _, out error));
        Assert.Equal(kind, error.Kind);
    }

    [Fact]
    public void A_header_block_without_an_end_is_held_up_to_the_limit_only()
    {
        using var framer = new SipFramer();
        var piece = Encoding.ASCII.GetBytes("X: " + new string('x', 1019) + "\r\n");
        for (var i = 0; i < SipLimits.HeaderBlockBytes / 1024; i++)
        {
            framer.Append(piece);
            Assert.Equal(SipFrameOutcome.NeedMoreData, framer.Next(out _, out _));
        }

        framer.Append(piece);
        Assert.Equal(SipFrameOutcome.Malformed, framer.Next(out _, out var error));
        Assert.Equal(SipErrorKind.TooLong, error.Kind);
    }

    [Fact]
    public void What_was_given_out_is_zeroed_by_the_next_call()
    {
        using var framer = new SipFramer();
        framer.Append(Encoding.ASCII.GetBytes(First));
        Assert.Equal(SipFrameOutcome.Done, framer.Next(out var frame, out _));
        Assert.Equal(SipFrameOutcome.NeedMoreData, framer.Next(out _, out _));
        Assert.False(frame.ContainsAnyExcept((byte)0));
        Assert.Equal(0, framer.Buffered);
    }
}
