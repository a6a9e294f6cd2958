using System.Globalization;
using ConfCluster.Protocols.Codecs;
using ConfCluster.Protocols.Srtp;

namespace ConfCluster.Protocols.Sdp;

/// <summary>
/// What must be the same for all whose packets are forwarded unopened. Its text is stored with a join, so it may never change.
/// </summary>
/// <param name="AudioLevel">Id of the header extension of RFC 6464; 0: without.</param>
/// <param name="Suite">As RFC 4568 names it; "none": without protection.</param>
/// <param name="MkiLength">In octets.</param>
public sealed record MediaTerms(AudioCodec Codec, byte PayloadType, byte AudioLevel, string Suite, byte MkiLength)
{
    private const string NoSuite = "none";

    /// <summary>Null: none of ours.</summary>
    public SrtpProfile? Profile => SrtpProfile.All.FirstOrDefault(p => p.Name == Suite);

    public static MediaTerms Of(AudioCodec codec, byte payloadType, byte audioLevel, SrtpProfile? profile, byte mkiLength) =>
        new(codec, payloadType, audioLevel, profile?.Name ?? NoSuite, mkiLength);

    /// <summary>Null: that is none, as where media is mixed.</summary>
    public static MediaTerms? TryRead(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var words = text.Split(' ');
        if (words is not [var format, "level", var level, var suite, "mki", var mki] || format.Split('/') is not [var name, var type]) return null;
        return Enum.TryParse<AudioCodec>(name, out var codec) && Enum.IsDefined(codec) && TryRead(type, out var payloadType) && TryRead(level, out var id)
            && TryRead(mki, out var length)
            ? new MediaTerms(codec, payloadType, id, suite, length)
            : null;
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Codec}/{PayloadType} level {AudioLevel} {Suite} mki {MkiLength}");

    private static bool TryRead(string text, out byte number) => byte.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number);
}
