using System.Text;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Parsing;
using ConfCluster.Protocols.Tests.Focus;
using ConfCluster.Support;
using Xunit;

namespace ConfCluster.Protocols.Tests.Sip.Torture;

/// <summary>Every message of RFC 4475 and RFC 5118 through the whole node.</summary>
public sealed class TortureTreatmentVectors : IDisposable
{
    /// <summary>Each numbered section that has a message; 4.5 and 4.10 of RFC 5118 have two.</summary>
    private static readonly Dictionary<string, string[]> Sections = new()
    {
        ["rfc4475"] = [.. Numbered("3.1.1", 13), .. Numbered("3.1.2", 19), .. Numbered("3.2", 1), .. Numbered("3.3", 15), .. Numbered("3.4", 1), "A"],
        ["rfc5118"] = [.. Numbered("4", 10)],
    };

    private readonly NodeTreatment _node = new();

    public void Dispose() => _node.Dispose();

    public static TheoryData<string> All() => TortureManifest.Files(_ => true);

    public static TheoryData<string> Keyed() => TortureManifest.Files(r => r.Keyed.Length > 0);

    private static IEnumerable<string> Numbered(string chapter, int count) => Enumerable.Range(1, count).Select(n => $"{chapter}.{n}");

    [Theory]
    [MemberData(nameof(All))]
    [Trait("RFC", "4475 §3")]
    [Trait("RFC", "5118 §4")]
    public void Each_torture_message_is_treated_as_listed(string file) =>
        Assert.Equal(TortureManifest.Of(file).Treatment, _node.Of(TortureManifest.Of(file).Bytes));

    [Theory]
    [MemberData(nameof(Keyed))]
    public void With_keys_in_its_offer_a_valid_INVITE_is_a_call(string file)
    {
        var request = Assert.IsType<SipRequest>(TortureManifest.Of(file).Read());
        var offer = request with
        {
            Headers = request.Headers.With("Content-Type", "application/sdp"),
            Body = new SipBody(Encoding.UTF8.GetBytes(ParticipantScene.Offer())),
        };
        Assert.Equal($"participant {TortureManifest.Of(file).Keyed}", _node.Of(offer));
    }

    [Fact]
    public void No_section_and_no_file_is_missing_from_a_manifest()
    {
        foreach (var folder in TortureManifest.Folders)
        {
            var rows = TortureManifest.Rows.Where(r => r.Folder == folder).ToList();
            Assert.Equal(Sections[folder].Order(StringComparer.Ordinal), rows.Select(r => r.Section).Distinct().Order(StringComparer.Ordinal));
            Assert.Equal(VectorFile.Names($"sip/{folder}", "dat"), rows.Select(r => r.File).Order(StringComparer.Ordinal));
        }

        Assert.Equal(49 + 1, TortureManifest.Rows.Count(r => r.Folder == "rfc4475"));
        Assert.Equal(12, TortureManifest.Rows.Count(r => r.Folder == "rfc5118" && !r.File.EndsWith(".archived", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("mcl01", "Malformed DuplicateHeader")]
    [InlineData("ncl", "Malformed BadContentLength")]
    [InlineData("test", "Done 318")]
    [InlineData("clerr", "")]
    [InlineData("dblreq", "Done 300, Done 443, Malformed BadContentLength")]
    [Trait("RFC", "4475 §3.1.1.8")]
    [Trait("RFC", "4475 §3.1.2.2")]
    [Trait("RFC", "4475 §3.1.2.3")]
    [Trait("RFC", "4475 §3.3.9")]
    public void On_a_stream_the_length_decides(string file, string frames)
    {
        using var framer = new SipFramer();
        framer.Append(TortureManifest.Of(file).Bytes);
        var seen = new List<string>();
        while (framer.Next(out var frame, out var error) is not SipFrameOutcome.NeedMoreData and var outcome)
        {
            seen.Add($"{outcome} {(error.Kind == SipErrorKind.None ? frame.Length : error.Kind)}");
            if (outcome == SipFrameOutcome.Malformed) break;
        }

        Assert.Equal(frames, string.Join(", ", seen));
    }

    [Theory]
    [InlineData("bext01", "Unsupported", "nothingSupportsThis, nothingSupportsThisEither")]
    [InlineData("regaut01", "Allow", "INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE")]
    [InlineData("invut", "Accept", "application/sdp")]
    [InlineData("sdp01", "Accept", "application/sdp")]
    [InlineData("sdp01", "Warning", "399")]
    [InlineData("zeromf", "Accept", "application/sdp")]
    public void A_refusal_says_what_would_have_been_taken(string file, string header, string value)
    {
        _node.Of(TortureManifest.Of(file).Bytes);
        Assert.StartsWith(value, _node.Answer!.Headers.First(header), StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(All))]
    [Trait("RFC", "3261 §7.5")]
    public void With_a_bare_LF_at_the_end_of_its_lines_none_is_read(string file)
    {
        var bytes = Encoding.Latin1.GetBytes(Encoding.Latin1.GetString(TortureManifest.Of(file).Bytes).Replace("\r\n", "\n", StringComparison.Ordinal));
        Assert.False(SipReader.TryRead(bytes, out _, out _));
    }
}
