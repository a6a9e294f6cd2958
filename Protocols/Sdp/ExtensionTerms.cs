using System.Collections.Immutable;
using System.Globalization;
using ConfCluster.Protocols.Mixing;
using ConfCluster.Protocols.Rtp;

namespace ConfCluster.Protocols.Sdp;

/// <summary>Which end of the audio levels we are: a mixer hears of each source and tells of the mix, a client the other way round.</summary>
public enum LevelSide : byte { None, Mixer, Client }

/// <summary>
/// a=extmap for the levels of audio, in offers and answers (RFC 8285 §5, §7; RFC 6464 §4, RFC 6465 §5). Left out: identifiers above 14, which
/// need the two-byte form or another number in the answer.
/// </summary>
internal static class ExtensionTerms
{
    private const string Name = "extmap:";

    /// <summary>What of the peer's description we take, under its identifiers.</summary>
    public static ExtensionIds Agreed(SessionDescription session, MediaDescription media, LevelSide side)
    {
        if (side == LevelSide.None) return default;
        var maps = MapsOf(session, media);
        var spoken = side == LevelSide.Mixer ? maps.Where(m => m.PeerSends) : maps.Where(m => m.PeerReceives);
        var mixed = side == LevelSide.Mixer ? maps.Where(m => m.PeerReceives) : maps.Where(m => m.PeerSends);
        // RFC 6464 §4: it may be there twice; a V bit that means something is better than none.
        var level = spoken.Where(m => m.Uri == AudioLevel.Uri).OrderByDescending(m => m.HasVoice).FirstOrDefault();
        var levels = mixed.FirstOrDefault(m => m.Uri == MixedAudioLevels.Uri);
        return new ExtensionIds(level.Id, level.Id != 0 && level.HasVoice, levels.Id);
    }

    /// <summary>What an answer takes of what our offer said: an identifier that was not offered for this is nothing.</summary>
    public static ExtensionIds Agreed(MediaDescription offered, SessionDescription answer, MediaDescription media, LevelSide side)
    {
        var ours = Of(offered.Other);
        var theirs = Agreed(answer, media, side);
        var level = ours.Any(m => m.Uri == AudioLevel.Uri && m.Id == theirs.AudioLevel);
        return new ExtensionIds(
            level ? theirs.AudioLevel : (byte)0, level && theirs.Voice,
            ours.Any(m => m.Uri == MixedAudioLevels.Uri && m.Id == theirs.MixedLevels) ? theirs.MixedLevels : (byte)0);
    }

    /// <summary>The lines of ours, only of what the stream's direction lets through (RFC 8285 §7).</summary>
    public static ImmutableArray<SdpLine> Written(in ExtensionIds ids, LevelSide side, MediaDirection direction)
    {
        var lines = ImmutableArray.CreateBuilder<SdpLine>();
        var isMixer = side == LevelSide.Mixer;
        if (ids.AudioLevel != 0 && (isMixer ? direction.Receive : direction.Send))
            lines.Add(Line(ids.AudioLevel, isMixer, AudioLevel.Uri + (ids.Voice ? "" : " vad=off")));
        if (ids.MixedLevels != 0 && (isMixer ? direction.Send : direction.Receive)) lines.Add(Line(ids.MixedLevels, !isMixer, MixedAudioLevels.Uri));
        return lines.DrainToImmutable();
    }

    private static SdpLine Line(byte id, bool receives, string what) =>
        new('a', string.Create(CultureInfo.InvariantCulture, $"{Name}{id}/{(receives ? "recvonly" : "sendonly")} {what}"));

    /// <summary>RFC 8285 §5: all at session level or all in the stream, each identifier once; what is used twice is nothing.</summary>
    private static ImmutableArray<Map> MapsOf(SessionDescription session, MediaDescription media)
    {
        var own = Of(media.Other);
        // RFC 8285 §7: a direction that is not there is the stream's; of an inactive stream, and at session level, it is both ways.
        var stream = media.Direction ?? session.Direction ?? SdpDirection.SendReceive;
        var inherited = own.IsEmpty || stream == SdpDirection.Inactive ? SdpDirection.SendReceive : stream;
        var all = own.IsEmpty ? Of(session.Other) : own;
        return [.. all.Where(m => all.Count(o => o.Id == m.Id) == 1).Select(m => m with { Direction = m.Direction ?? inherited })];
    }

    private static ImmutableArray<Map> Of(ImmutableArray<SdpLine> lines)
    {
        var maps = ImmutableArray.CreateBuilder<Map>();
        foreach (var line in lines)
            if (line.Type == 'a' && line.Value.StartsWith(Name, StringComparison.Ordinal) && TryRead(line.Value[Name.Length..], out var map))
                maps.Add(map);
        return maps.DrainToImmutable();
    }

    private static bool TryRead(string value, out Map map)
    {
        map = default;
        var words = value.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (words.Length < 2) return false;
        var slash = words[0].IndexOf('/', StringComparison.Ordinal);
        var number = slash < 0 ? words[0] : words[0][..slash];
        if (!byte.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var id) || id is 0 or > HeaderExtensions.LastId) return false;
        SdpDirection? direction = null;
        if (slash >= 0)
        {
            direction = SessionDraft.DirectionOf(System.Text.Encoding.ASCII.GetBytes(words[0][(slash + 1)..]));
            if (direction is null) return false;
        }

        map = new Map(id, direction, words[1], !words.AsSpan(2).Contains("vad=off"));
        return true;
    }

    private readonly record struct Map(byte Id, SdpDirection? Direction, string Uri, bool HasVoice)
    {
        public bool PeerSends => Direction is SdpDirection.SendReceive or SdpDirection.SendOnly;

        public bool PeerReceives => Direction is SdpDirection.SendReceive or SdpDirection.ReceiveOnly;
    }
}
