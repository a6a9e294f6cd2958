using System.Globalization;
using ConfCluster.Host.Api;

namespace ConfCluster.Host.Commands;

/// <summary>How the media of a conference is, a line for each participant: here what comes in, there what the peer reports.</summary>
internal static class QualityTable
{
    public static void Write(ConferenceDetails details) => Output.Table(
        ["Participant", "State", "Lost here", "Jitter here", "Lost there", "Jitter there", "Round trip", "Wait", "Concealed", "Undecoded"],
        details.Participants.Where(p => p.Media is not null).Select(p => Line(p, p.Media!)));

    private static string[] Line(ParticipantDetails participant, MediaDetails media) =>
    [
        participant.DisplayName is { Length: > 0 } shown ? shown : participant.Identity,
        media.MediaMissing ? "no media" : participant.Speaking ? "speaks" : "-",
        Lost(media.Inbound), Milliseconds(media.Inbound.JitterSeconds), Lost(media.Outbound), Milliseconds(media.Outbound.JitterSeconds),
        media.RoundTripSeconds is { } trip ? Milliseconds(trip) : "-", Milliseconds(media.JitterDelayMilliseconds / 1e3),
        Text(media.PacketsConcealed), Text(media.PacketsUndecoded),
    ];

    private static string Lost(StreamDetails stream) =>
        string.Create(CultureInfo.InvariantCulture, $"{stream.PacketsLost} ({stream.FractionLost:P0})");

    private static string Milliseconds(double seconds) => string.Create(CultureInfo.InvariantCulture, $"{seconds * 1e3:0.#} ms");

    private static string Text(ulong number) => number.ToString(CultureInfo.InvariantCulture);
}
