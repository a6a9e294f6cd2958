using System.Text.RegularExpressions;
using Xunit;

namespace ConfCluster.Architecture.Tests;

/// <summary>
/// Which folder of Protocols may use which. It follows the layers of the standards; where it is wider than one would draw it, the reason
/// stands beside the entry.
/// </summary>
public partial class FolderDependencies
{
    private static readonly Dictionary<string, string[]> MayUse = new()
    {
        ["Wire"] = [],
        ["Nodes"] = [],
        ["Keys"] = ["Wire"],
        ["Mikey"] = ["Wire", "Keys"],
        ["Codecs"] = [],
        ["Rtp"] = ["Wire"],
        ["Sip"] = ["Wire"],
        ["Srtp"] = ["Wire", "Rtp", "Keys"],

        // A crypto line is a master key, and what an answer settles is a leg's media, which names its participant.
        ["Sdp"] = ["Wire", "Codecs", "Rtp", "Keys", "Srtp", "Mixing", "Conference"],

        // The keys of an SDP in MIKEY messages instead of a=crypto.
        ["KeyManagement"] = ["Wire", "Keys", "Srtp", "Sdp", "Mikey"],

        // Ids and SSRCs only; and of SIP who is calling and how it was proven, which the policy weighs.
        ["Conference"] = ["Keys", "Rtp", "Sip"],

        // The leg's media terms name the participant.
        ["Mixing"] = ["Wire", "Codecs", "Rtp", "Keys", "Srtp", "Conference"],
        ["Focus"] = ["Wire", "Codecs", "Rtp", "Keys", "Srtp", "Sip", "Sdp", "Conference", "Mixing", "Mikey", "KeyManagement"],
        ["Phone"] = ["Wire", "Codecs", "Rtp", "Keys", "Srtp", "Sip", "Sdp", "Conference", "Mixing", "Focus", "Mikey", "KeyManagement"],

        // What is stored, and nothing that decided it.
        ["Audit"] = ["Wire", "Keys", "Rtp", "Conference"],
    };

    [Fact]
    public void Every_folder_has_its_line_in_the_table()
    {
        var folders = Directory.EnumerateDirectories(Path.Combine(Sources.Root, "Protocols")).Select(d => Path.GetFileName(d)!);
        Breaches.None(folders.Except(["bin", "obj"]).Except(MayUse.Keys));
    }

    [Fact]
    public void A_folder_uses_only_what_the_table_allows()
    {
        var breaches =
            from file in Sources.Of("Protocols")
            let folder = file.Path.Split('/')[1]
            from line in file.Code
            from Match use in Use().Matches(line.Text)
            let other = use.Groups[1].Value
            where other != folder && MayUse.ContainsKey(other) && !MayUse[folder].Contains(other)
            select $"{file.Path}:{line.Number} uses {other}";
        Breaches.None(breaches);
    }

    [Fact]
    public void A_namespace_says_the_folder()
    {
        var wrong =
            from file in Sources.Of("Protocols", "Actors")
            let folder = Path.GetDirectoryName(file.Path)!.Replace('/', '.')
            let name = Namespace().Match(file.Text).Groups[1].Value
            where file.Path.Contains('/', StringComparison.Ordinal) && name.Length > 0 && name != $"ConfCluster.{folder}"
            select $"{file.Path} is in {name}";
        Breaches.None(wrong);
    }

    [GeneratedRegex(@"ConfCluster\.Protocols\.([A-Z]\w*)")]
    private static partial Regex Use();

    [GeneratedRegex(@"^namespace ([\w.]+);", RegexOptions.Multiline)]
    private static partial Regex Namespace();
}
