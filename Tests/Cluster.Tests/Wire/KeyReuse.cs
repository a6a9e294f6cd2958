using System.Buffers.Binary;
using System.Net;

namespace ConfCluster.Cluster.Tests.Wire;

/// <summary>
/// Judges K6 for all that travelled, whoever sent it to whomever: (key, SSRC, index) never stands for two packets that differ, for SRTP and for SRTCP
/// (RFC 3711 §9.1). It knows no key: an MKI of four octets names one. Keys without MKI are told apart by where their packets go, which also shows what a receiver
/// would take for a replay: an index under which it is sent two packets, whatever their keys. For AES_CM_128_HMAC_SHA1_80 and G.711 in packets of 20 ms, whose
/// length says whether an MKI is there. Legs that are sent the group key without its MKI are judged by their address only. What mixers send each other (L16 at 16 kHz
/// under AEAD_AES_256_GCM) is told apart by either end: a mixer sends by one socket, and hears those of its own conference only.
/// </summary>
internal sealed class KeyReuse
{
    private const int Tag = 10;
    private const int Mki = 4;
    private const int Word = 4;
    private const int RtpHeader = 12;
    private const int Payload = 160;

    /// <summary>Of what goes between mixers: payload type, octets of sound, octets of the tag.</summary>
    private const int BetweenType = 96;

    private const int BetweenPayload = 640;
    private const int BetweenTag = 16;

    /// <summary>So few reports a short run has of a source; what is above is no index but something encrypted.</summary>
    private const uint MaxReports = 1 << 16;

    private readonly Dictionary<(bool Rtcp, uint Ssrc, ulong Index, uint Mki), (Datagram First, byte[] Body)> _byMki = [];
    private readonly Dictionary<(bool Rtcp, uint Ssrc, ulong Index, IPEndPoint To), (Datagram First, byte[] Body)> _byReceiver = [];
    private readonly Dictionary<(uint Ssrc, ulong Index, bool IsSender, IPEndPoint End), (Datagram First, byte[] Body)> _between = [];
    private readonly Dictionary<uint, ulong> _highest = [];

    /// <summary>Two packets with one index that differ, each a sentence without a word of their contents.</summary>
    public List<string> Reuses { get; } = [];

    /// <summary>An index that a receiver has seen before comes to it again in another packet, under whatever key.</summary>
    public List<string> Replays { get; } = [];

    /// <summary>What has RTP's version and cannot be judged.</summary>
    public List<string> Unread { get; } = [];

    public int Srtp { get; private set; }

    public int Srtcp { get; private set; }

    /// <summary>From a mixer to another one.</summary>
    public int Between { get; private set; }

    /// <summary>With an MKI.</summary>
    public int Named { get; private set; }

    /// <summary>The same packet once more: one that several are sent, as a rule.</summary>
    public int Shared { get; private set; }

    public override string ToString() =>
        $"{Srtp} SRTP and {Srtcp} SRTCP packets, {Named} with MKI, {Shared} sent to several, {Between} between mixers; " +
        $"{Reuses.Count} reuses, {Replays.Count} replays, {Unread.Count} not judged";

    public static KeyReuse Of(IEnumerable<Datagram> datagrams)
    {
        var judge = new KeyReuse();
        foreach (var datagram in datagrams) judge.Judge(datagram);
        return judge;
    }

    public void Judge(Datagram datagram)
    {
        ArgumentNullException.ThrowIfNull(datagram);
        var packet = datagram.Payload;
        // SIP, and what a test marks the end of a capture with, begin with a letter.
        if (packet.Length == 0 || packet[0] >> 6 != 2) return;
        // RFC 5761 §4.
        var rtcp = packet.Length > 1 && packet[1] is >= 192 and <= 223;
        if (rtcp ? TryReport(datagram) : TryMedia(datagram)) return;
        Unread.Add($"{Name(datagram)}, {packet.Length} octets, second octet {(packet.Length > 1 ? packet[1] : 0)}");
    }

    private bool TryMedia(Datagram datagram)
    {
        var packet = datagram.Payload;
        if (packet.Length < RtpHeader) return false;
        var header = RtpHeader + 4 * (packet[0] & 0x0F);
        if ((packet[0] & 0x10) != 0)
        {
            if (packet.Length < header + 4) return false;
            header += 4 + 4 * BinaryPrimitives.ReadUInt16BigEndian(packet.AsSpan(header + 2));
        }

        var tail = packet.Length - header - Payload;
        var isBetween = (packet[1] & 0x7F) == BetweenType && packet.Length == header + BetweenPayload + BetweenTag;
        if (!isBetween && ((packet[1] & 0x7F) is not (0 or 8) || tail is not (Tag or Tag + Mki))) return false;
        var (sequence, ssrc) = (BinaryPrimitives.ReadUInt16BigEndian(packet.AsSpan(2)), BinaryPrimitives.ReadUInt32BigEndian(packet.AsSpan(8)));
        // RFC 3711 §3.3.1: the rollover counter that brings it nearest to the highest so far.
        var index = _highest.TryGetValue(ssrc, out var highest) ? highest + (ulong)(short)(sequence - (ushort)highest) : 1UL << 16 | sequence;
        _highest[ssrc] = Math.Max(highest, index);
        if (isBetween)
        {
            CompareBetween(datagram, ssrc, index, packet[..^BetweenTag]);
            return true;
        }

        Srtp++;
        Compare(datagram, rtcp: false, ssrc, index, packet[..^tail], hasMki: tail > Tag);
        return true;
    }

    private bool TryReport(Datagram datagram)
    {
        var packet = datagram.Payload;
        if (packet.Length < 8 + Word + Mki + Tag) return false;
        var hasMki = IsWord(packet.AsSpan()[^(Word + Mki + Tag)..], out var index);
        if (!hasMki && !IsWord(packet.AsSpan()[^(Word + Tag)..], out index)) return false;
        Srtcp++;
        Compare(datagram, rtcp: true, BinaryPrimitives.ReadUInt32BigEndian(packet.AsSpan(4)), index, packet[..^(hasMki ? Mki + Tag : Tag)], hasMki);
        return true;
    }

    /// <param name="body">What is protected and authenticated, without MKI and tag.</param>
    private void Compare(Datagram datagram, bool rtcp, uint ssrc, ulong index, byte[] body, bool hasMki)
    {
        var mki = hasMki ? BinaryPrimitives.ReadUInt32BigEndian(datagram.Payload.AsSpan()[^(Mki + Tag)..]) : 0;
        if (hasMki)
        {
            Named++;
            if (!_byMki.TryAdd((rtcp, ssrc, index, mki), (datagram, body)))
            {
                var before = _byMki[(rtcp, ssrc, index, mki)];
                if (before.Body.AsSpan().SequenceEqual(body)) Shared++;
                else Reuses.Add(Twice(rtcp, ssrc, index, $"under MKI {mki:x8}", before.First, datagram));
            }
        }

        if (_byReceiver.TryAdd((rtcp, ssrc, index, datagram.To), (datagram, body))) return;
        var earlier = _byReceiver[(rtcp, ssrc, index, datagram.To)];
        if (earlier.Body.AsSpan().SequenceEqual(body)) return;
        (hasMki ? Replays : Reuses).Add(Twice(rtcp, ssrc, index, hasMki ? "to one receiver" : "without MKI", earlier.First, datagram));
    }

    /// <summary>
    /// SSRCs are computed from the generation of the keys and the place of the mixer, so two conferences may have the same under different keys. A mixer that sent
    /// others something else under an index is found by its own end, one that began anew by the end of those who had heard it before.
    /// </summary>
    private void CompareBetween(Datagram datagram, uint ssrc, ulong index, byte[] body)
    {
        Between++;
        foreach (var key in new[] { (ssrc, index, true, datagram.From), (ssrc, index, false, datagram.To) })
        {
            if (_between.TryAdd(key, (datagram, body)) || _between[key].Body.AsSpan().SequenceEqual(body)) continue;
            Reuses.Add(Twice(false, ssrc, index, "between mixers", _between[key].First, datagram));
            return;
        }
    }

    /// <summary>RFC 3711 §3.4: E = 1 and 31 bits of index.</summary>
    private static bool IsWord(ReadOnlySpan<byte> at, out ulong index)
    {
        var word = BinaryPrimitives.ReadUInt32BigEndian(at);
        index = word & 0x7FFF_FFFF;
        return word >> 31 == 1 && index < MaxReports;
    }

    private static string Twice(bool rtcp, uint ssrc, ulong index, string how, Datagram first, Datagram second) =>
        $"{(rtcp ? $"SRTCP {index}" : $"SRTP {index & 0xFFFF}")} of {ssrc:x8} {how}: {Name(first)} and {Name(second)}";

    private static string Name(Datagram datagram) => $"{datagram.From} to {datagram.To} at {datagram.At.TotalSeconds:0.000} s";
}
