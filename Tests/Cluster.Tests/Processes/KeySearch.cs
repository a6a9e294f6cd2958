using System.Text;
using System.Text.RegularExpressions;

namespace ConfCluster.Cluster.Tests.Processes;

/// <summary>Looks for keys that a phone saw in its SDP, as octets, as hex digits and as base64.</summary>
internal sealed partial class KeySearch
{
    private const int ShortestPart = 16;
    private readonly List<(string Form, byte[] Octets)> _patterns = [];

    public int Keys { get; private set; }

    /// <summary>Every key of every <c>inline:</c> in a text.</summary>
    public void AddFrom(string sdp)
    {
        foreach (Match key in Inline().Matches(sdp)) Add(Convert.FromBase64String(key.Groups[1].Value));
    }

    public void Add(byte[] key)
    {
        Keys++;
        _patterns.Add(("octets of the key", key[..ShortestPart]));
        _patterns.Add(("octets of the salt", key[^14..]));
        _patterns.Add(("base64", Encoding.ASCII.GetBytes(Convert.ToBase64String(key)[..20])));
        _patterns.Add(("hex", Encoding.ASCII.GetBytes(Convert.ToHexStringLower(key[..ShortestPart]))));
        _patterns.Add(("HEX", Encoding.ASCII.GetBytes(Convert.ToHexString(key[..ShortestPart]))));
    }

    public IEnumerable<string> In(string name, byte[] content) =>
        _patterns.Where(p => content.AsSpan().IndexOf(p.Octets) >= 0).Select(p => $"{name} holds a key ({p.Form})");

    /// <summary>Empty files are left out: the lock is one, and nobody may open it.</summary>
    public IEnumerable<string> InFilesOf(string directory) =>
        Directory.EnumerateFiles(directory, "*", SearchOption.AllDirectories)
            .Where(f => new FileInfo(f).Length > 0).SelectMany(f => In(f, Read(f)));

    private static byte[] Read(string path)
    {
        // The node has them open.
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        using var content = new MemoryStream();
        file.CopyTo(content);
        return content.ToArray();
    }

    [GeneratedRegex("inline:([A-Za-z0-9+/=]+)")]
    private static partial Regex Inline();
}
