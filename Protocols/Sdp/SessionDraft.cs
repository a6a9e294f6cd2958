using System.Collections.Immutable;
using System.Globalization;

namespace ConfCluster.Protocols.Sdp;

/// <summary>A session description while its lines come in. The order of v=, o=, s= is strict (RFC 4566 §5), that of the others is not.</summary>
internal sealed class SessionDraft : IDisposable
{
    private const int MaxKeyManagement = 8;

    private readonly List<MediaDraft> _media = [];
    private readonly ImmutableArray<SdpLine>.Builder _other = ImmutableArray.CreateBuilder<SdpLine>();
    private int _lines;
    private SdpOrigin? _origin;
    private string _name = "";
    private string? _timing;
    private SdpConnection? _connection;
    private SdpDirection? _direction;
    private bool _hasKeyManagement;
    private ImmutableArray<KeyManagementLine> _keyManagement = [];

    public SdpError Add(char type, ReadOnlySpan<byte> value)
    {
        var place = _lines++;
        if (place < 3) return AddHead(place, type, value);
        if (type == 'm') return AddMedia(value);
        if (_media.Count > 0) return _media[^1].Add(type, value);

        switch (type)
        {
            case 't':
                if (_timing is null) _timing = SdpReader.Text(value);
                else Keep(type, value);
                return SdpError.None;
            case 'c':
                return Connection(value, ref _connection);
            case 'a':
                return AddAttribute(value);
            // RFC 4566 §5.12: k= is obsolete and may hold a key in clear; it is not kept.
            case 'k':
                return SdpError.None;
            case 'i' or 'u' or 'e' or 'p' or 'b' or 'r' or 'z':
                Keep(type, value);
                return SdpError.None;
            case 'v' or 'o' or 's':
                return SdpError.WrongOrder;
            // RFC 4566 §5: a description with an unknown type letter is ignored as a whole.
            default:
                return SdpError.UnknownType;
        }
    }

    /// <summary>Hands the keys over.</summary>
    public SdpError Finish(out SessionDescription? session)
    {
        session = null;
        if (_lines < 3 || _timing is null) return SdpError.MissingLine;
        session = new SessionDescription
        {
            Origin = _origin!,
            Name = _name,
            Timing = _timing,
            Connection = _connection,
            Direction = _direction,
            HasKeyManagement = _hasKeyManagement,
            KeyManagement = _keyManagement,
            Other = _other.ToImmutable(),
            Media = [.. _media.Select(m => m.Finish())],
        };
        return SdpError.None;
    }

    public void Dispose()
    {
        foreach (var media in _media) media.Dispose();
    }

    private SdpError AddHead(int place, char type, ReadOnlySpan<byte> value)
    {
        if (type != "vos"[place]) return SdpError.WrongOrder;
        if (type == 'v') return value.Trim((byte)' ').SequenceEqual("0"u8) ? SdpError.None : SdpError.BadVersion;
        if (type == 's')
        {
            _name = SdpReader.Text(value);
            return SdpError.None;
        }

        var parts = SdpReader.Text(value).Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (parts.Length != 6 || parts[3] != "IN" || !parts[1].All(char.IsAsciiDigit)
            || !ulong.TryParse(parts[2], NumberStyles.None, CultureInfo.InvariantCulture, out var version)) return SdpError.BadOrigin;
        _origin = new SdpOrigin(parts[0], parts[1], version, parts[4], parts[5]);
        return SdpError.None;
    }

    private SdpError AddMedia(ReadOnlySpan<byte> value)
    {
        if (_media.Count == SdpReader.MaxMedia) return SdpError.TooManyMedia;
        if (!MediaDraft.TryCreate(value, out var media)) return SdpError.BadMedia;
        _media.Add(media!);
        return SdpError.None;
    }

    private SdpError AddAttribute(ReadOnlySpan<byte> value)
    {
        if (DirectionOf(value) is { } direction) _direction = direction;
        else if (MayHoldKey(value)) KeyManagement(value, ref _hasKeyManagement, ref _keyManagement);
        else Keep('a', value);
        return SdpError.None;
    }

    private void Keep(char type, ReadOnlySpan<byte> value) => Keep(_other, type, value);

    internal static void Keep(ImmutableArray<SdpLine>.Builder lines, char type, ReadOnlySpan<byte> value)
    {
        if (!MayHoldKey(value)) lines.Add(new SdpLine(type, SdpReader.Text(value)));
    }

    internal static SdpError Connection(ReadOnlySpan<byte> value, ref SdpConnection? connection)
    {
        if (connection is not null) return SdpError.None;
        connection = ConnectionOf(SdpReader.Text(value));
        return connection is null ? SdpError.BadConnection : SdpError.None;
    }

    /// <summary>RFC 4566 §5.7: a TTL or a count may follow the address of a multicast group.</summary>
    internal static SdpConnection? ConnectionOf(string value)
    {
        var parts = value.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (parts.Length != 3 || parts[0] != "IN" || parts[1] is not ("IP4" or "IP6")) return null;
        var address = parts[2].Split('/')[0];
        return address.Length == 0 ? null : new SdpConnection(parts[1], address);
    }

    internal static SdpDirection? DirectionOf(ReadOnlySpan<byte> attribute)
    {
        if (attribute.SequenceEqual("sendrecv"u8)) return SdpDirection.SendReceive;
        if (attribute.SequenceEqual("sendonly"u8)) return SdpDirection.SendOnly;
        if (attribute.SequenceEqual("recvonly"u8)) return SdpDirection.ReceiveOnly;
        return attribute.SequenceEqual("inactive"u8) ? SdpDirection.Inactive : null;
    }

    /// <summary>Nothing for another attribute; more than a few lines are not kept.</summary>
    internal static void KeyManagement(ReadOnlySpan<byte> attribute, ref bool isThere, ref ImmutableArray<KeyManagementLine> lines)
    {
        if (!attribute.StartsWith("key-mgmt:"u8)) return;
        isThere = true;
        if (lines.Length < MaxKeyManagement && KeyManagementLine.Read(attribute["key-mgmt:"u8.Length..]) is { } line) lines = lines.Add(line);
    }

    /// <summary>
    /// A line that could carry a key, in whatever case or place, is dropped and never becomes text. RFC 4568 §4: a=crypto has no meaning
    /// at session level, and its name is case-sensitive.
    /// </summary>
    internal static bool MayHoldKey(ReadOnlySpan<byte> attribute)
    {
        return Begins(attribute, "crypto"u8) || Begins(attribute, "key-mgmt"u8) || Contains(attribute, "inline:"u8);

        static bool Begins(ReadOnlySpan<byte> text, ReadOnlySpan<byte> word) =>
            text.Length >= word.Length && System.Text.Ascii.EqualsIgnoreCase(text[..word.Length], word);

        static bool Contains(ReadOnlySpan<byte> text, ReadOnlySpan<byte> word)
        {
            for (; text.Length >= word.Length; text = text[1..])
                if (Begins(text, word))
                    return true;
            return false;
        }
    }
}
