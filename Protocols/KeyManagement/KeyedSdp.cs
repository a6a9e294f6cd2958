using System.Collections.Immutable;
using ConfCluster.Protocols.Mikey;
using ConfCluster.Protocols.Mikey.Payloads;
using ConfCluster.Protocols.Sdp;
using ConfCluster.Protocols.Srtp;

namespace ConfCluster.Protocols.KeyManagement;

/// <summary>
/// A stream keyed by MIKEY (RFC 4567) seen as if its keys stood in an a=crypto line: the same keys, another envelope. So offer and answer, the group key and
/// its changes are the same code for both; what goes over the wire has the one or the other, never both in an answer (RFC 4568 §7.5).
/// </summary>
internal static class KeyedSdp
{
    /// <summary>Of the line that stands for the message.</summary>
    public const uint Tag = 1;

    /// <summary>The first audio stream over SRTP that is not refused; -1: none.</summary>
    public static int StreamOf(SessionDescription session)
    {
        for (var i = 0; i < session.Media.Length; i++)
            if (session.Media[i].Line is { IsAudio: true, IsSecureRtp: true, IsRejected: false })
                return i;
        return -1;
    }

    /// <summary>
    /// The one MIKEY message for the stream, and whether it stands at session level; null: none, or more than one. RFC 4567 §3.1: at media level it
    /// overrides the session's.
    /// </summary>
    public static (Octets Message, bool AtSession)? MessageOf(SessionDescription session, int stream)
    {
        if (stream < 0) return null;
        var lines = session.Media[stream].KeyManagement.Where(IsMikey).ToList();
        if (lines is [var one]) return (Octets.CopyOf(one.Message), false);
        return lines.Count == 0 && session.KeyManagement.Where(IsMikey).ToList() is [var common] ? (Octets.CopyOf(common.Message), true) : null;
    }

    /// <summary>
    /// RFC 4567 §4.1.4, §7: the protocols that the message says were offered are those that the SDP offers, so nobody took one away.
    /// </summary>
    public static bool NamesProtocols(MikeyMessage message, SessionDescription session, int stream, bool atSession)
    {
        var lines = atSession ? session.KeyManagement : session.Media[stream].KeyManagement;
        var said = message.All<GeneralExtension>().FirstOrDefault(e => e.SdpIdList is not null)?.SdpIdList;
        return said == string.Join(';', lines.Select(l => l.Protocol).Distinct());
    }

    /// <summary>As the wire has it: the message in the place of the keys. Shares nothing that is secret.</summary>
    public static SessionDescription Written(SessionDescription session, int stream, Octets message, bool atSession)
    {
        var line = KeyManagementLine.Of(KeyManagementLine.Mikey, message.Span);
        ImmutableArray<KeyManagementLine> lines = [line];
        var media = session.Media[stream] with { Crypto = [], KeyManagement = atSession ? [] : lines };
        return session with { Media = session.Media.SetItem(stream, media), KeyManagement = atSession ? lines : [] };
    }

    /// <summary>An offer that leaves the choice (RFC 4568 §7.5): the keys of <paramref name="session"/>, and the message of <paramref name="keyed"/>.</summary>
    public static SessionDescription Beside(SessionDescription session, SessionDescription keyed, int stream) => session with
    {
        Media = session.Media.SetItem(stream, session.Media[stream] with { KeyManagement = keyed.Media[stream].KeyManagement }),
    };

    /// <summary>As offer and answer are read: the keys in the place of the message. The caller owns the result, with copies of the keys.</summary>
    public static SessionDescription Read(SessionDescription session, int stream, ImmutableArray<MasterKey> keys)
    {
        ImmutableArray<CryptoAttribute> crypto = keys.IsEmpty ? [] : [new CryptoAttribute(Tag, keys[0].Profile, [.. keys.Select(k => k.Copy())])];
        var streams = session.Media.Select((m, i) => m with { Crypto = i == stream ? crypto : [], KeyManagement = [], HasKeyManagement = false });
        return session with { Media = [.. streams], KeyManagement = [], HasKeyManagement = false };
    }

    private static bool IsMikey(KeyManagementLine line) => line.Protocol == KeyManagementLine.Mikey;
}
