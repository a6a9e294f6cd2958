using ConfCluster.Actors.Media.Opus;
using ConfCluster.Actors.Settings;
using ConfCluster.Protocols.Codecs;

namespace ConfCluster.Host.Roles;

/// <summary>Which of the codecs asked for the system has: the others are not offered, and the start says so.</summary>
internal static class CodecChoice
{
    public static ConfClusterSettings Of(ConfClusterSettings settings) => settings with
    {
        Media = settings.Media with { Mixer = settings.Media.Mixer with { Codecs = SystemCodecs.Found } },
        Conference = settings.Conference with { Codecs = SystemCodecs.Found.Only(settings.Conference.Codecs) },
    };

    /// <summary>Why the node cannot start, or null.</summary>
    public static string? Refusal(ConfClusterSettings chosen) =>
        chosen.Conference.Codecs.IsEmpty ? "None of the codecs in confcluster.conference.codecs is to be had: libopus is not installed." : null;

    public static string Line(ConfClusterSettings chosen)
    {
        var names = string.Join(", ", chosen.Conference.Codecs.Select(c => AudioFormat.Of(c).Encoding));
        return SystemCodecs.Found.Has(AudioCodec.Opus) ? $"Codecs    {names}" : $"Codecs    {names} (no opus: the library libopus.so.0 is not installed)";
    }
}
