using System.Buffers.Text;
using System.Collections.Immutable;
using System.Globalization;

namespace ConfCluster.Protocols.Sdp;

/// <summary>One m= section while its lines come in (RFC 4566 §5.14, §6; RFC 3605 §2.1; RFC 5761 §5.1.1; RFC 4568 §4).</summary>
internal sealed class MediaDraft(MediaLine line) : IDisposable
{
    private const int MaxFormats = 128;

    /// <summary>The longest registered is half of it; a refusal repeats it in a Warning.</summary>
    private const int MaxProtocol = 64;

    private readonly ImmutableArray<SdpLine>.Builder _other = ImmutableArray.CreateBuilder<SdpLine>();
    private readonly ImmutableArray<RtpMap>.Builder _maps = ImmutableArray.CreateBuilder<RtpMap>();
    private readonly ImmutableArray<FormatParameters>.Builder _parameters = ImmutableArray.CreateBuilder<FormatParameters>();
    private readonly ImmutableArray<CryptoAttribute>.Builder _crypto = ImmutableArray.CreateBuilder<CryptoAttribute>();
    private SdpConnection? _connection;
    private SdpDirection? _direction;
    private RtcpAttribute? _rtcp;
    private int? _packetTime;
    private int? _maxPacketTime;
    private bool _rtcpMux;
    private bool _hasKeyManagement;
    private ImmutableArray<KeyManagementLine> _keyManagement = [];

    /// <summary>RFC 4566 §5.14: media, port ["/" count], proto, formats.</summary>
    public static bool TryCreate(ReadOnlySpan<byte> value, out MediaDraft? media)
    {
        media = null;
        var parts = SdpReader.Text(value).Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (parts.Length is < 4 or > MaxFormats + 3) return false;
        if (!parts[0].All(IsTokenCharacter) || !parts[2].All(c => c == '/' || IsTokenCharacter(c)) || parts[2].Length > MaxProtocol) return false;
        var port = parts[1].Split('/')[0];
        if (!int.TryParse(port, NumberStyles.None, CultureInfo.InvariantCulture, out var number) || number > 65535) return false;
        media = new MediaDraft(new MediaLine(parts[0], number, parts[2], [.. parts[3..]]));
        return true;
    }

    public SdpError Add(char type, ReadOnlySpan<byte> value)
    {
        switch (type)
        {
            case 'c':
                return SessionDraft.Connection(value, ref _connection);
            case 'a':
                return AddAttribute(value);
            case 'k':
                return SdpError.None;
            case 'i' or 'b':
                SessionDraft.Keep(_other, type, value);
                return SdpError.None;
            case 'v' or 'o' or 's' or 't' or 'u' or 'e' or 'p' or 'r' or 'z':
                return SdpError.WrongOrder;
            default:
                return SdpError.UnknownType;
        }
    }

    public MediaDescription Finish() => new()
    {
        Line = line,
        Connection = _connection,
        Direction = _direction,
        PacketTime = _packetTime,
        MaxPacketTime = _maxPacketTime,
        Rtcp = _rtcp,
        RtcpMux = _rtcpMux,
        HasKeyManagement = _hasKeyManagement,
        KeyManagement = _keyManagement,
        RtpMaps = _maps.ToImmutable(),
        FormatParameters = _parameters.ToImmutable(),
        Crypto = _crypto.ToImmutable(),
        Other = _other.ToImmutable(),
    };

    public void Dispose()
    {
        foreach (var crypto in _crypto) crypto.Dispose();
    }

    private SdpError AddAttribute(ReadOnlySpan<byte> value)
    {
        if (value.StartsWith("crypto:"u8)) AddCrypto(value["crypto:"u8.Length..]);
        else if (SessionDraft.MayHoldKey(value)) SessionDraft.KeyManagement(value, ref _hasKeyManagement, ref _keyManagement);
        else if (SessionDraft.DirectionOf(value) is { } direction) _direction = direction;
        else if (value.SequenceEqual("rtcp-mux"u8)) _rtcpMux = true;
        else if (value.StartsWith("rtpmap:"u8)) return AddMap(SdpReader.Text(value["rtpmap:"u8.Length..]));
        else if (value.StartsWith("fmtp:"u8)) return AddParameters(SdpReader.Text(value["fmtp:"u8.Length..]));
        else if (value.StartsWith("rtcp:"u8)) return AddRtcp(SdpReader.Text(value["rtcp:"u8.Length..]));
        // Some write a fraction here; a time that is no whole number of milliseconds is no hint for us.
        else if (value.StartsWith("ptime:"u8)) _packetTime = Milliseconds(value["ptime:"u8.Length..]);
        else if (value.StartsWith("maxptime:"u8)) _maxPacketTime = Milliseconds(value["maxptime:"u8.Length..]);
        else _other.Add(new SdpLine('a', SdpReader.Text(value)));
        return SdpError.None;
    }

    private void AddCrypto(ReadOnlySpan<byte> value)
    {
        var attribute = CryptoReader.Read(value);
        // RFC 4568 §4.1: the tag is unique in a stream.
        if (attribute.IsUsable && _crypto.Any(c => c.Tag == attribute.Tag))
        {
            attribute.Dispose();
            attribute = CryptoAttribute.Unusable(attribute.Tag, attribute.Suite, CryptoError.DuplicateTag);
        }

        _crypto.Add(attribute);
    }

    private SdpError AddMap(string value)
    {
        var space = value.IndexOf(' ');
        if (space < 0 || !byte.TryParse(value.AsSpan(0, space), NumberStyles.None, CultureInfo.InvariantCulture, out var type) || type > 127)
            return SdpError.BadAttribute;
        var parts = value[(space + 1)..].Trim().Split('/');
        var channels = 1;
        if (parts.Length is < 2 or > 3 || parts[0].Length == 0 || !IsNumber(parts[1], out var rate)
            || (parts.Length == 3 && !IsNumber(parts[2], out channels))) return SdpError.BadAttribute;
        _maps.Add(new RtpMap(type, parts[0], rate, channels));
        return SdpError.None;
    }

    private SdpError AddParameters(string value)
    {
        var space = value.IndexOf(' ');
        if (space <= 0) return SdpError.BadAttribute;
        _parameters.Add(new FormatParameters(value[..space], value[(space + 1)..]));
        return SdpError.None;
    }

    private SdpError AddRtcp(string value)
    {
        var space = value.IndexOf(' ');
        if (!IsNumber(space < 0 ? value : value[..space], out var port) || port is 0 or > 65535) return SdpError.BadAttribute;
        var connection = space < 0 ? null : SessionDraft.ConnectionOf(value[(space + 1)..]);
        if (space >= 0 && connection is null) return SdpError.BadAttribute;
        _rtcp = new RtcpAttribute(port, connection);
        return SdpError.None;
    }

    /// <summary>token-char of RFC 4566 §9: no quotes, brackets or spaces.</summary>
    private static bool IsTokenCharacter(char c) =>
        c is '!' or (>= '#' and <= '\'') or '*' or '+' or '-' or '.' or (>= '0' and <= '9') or (>= 'A' and <= 'Z') or (>= '^' and <= '~');

    private static int? Milliseconds(ReadOnlySpan<byte> value) =>
        Utf8Parser.TryParse(value, out int number, out var used) && used == value.Length && number is > 0 and <= 1000 ? number : null;

    private static bool IsNumber(string text, out int number) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number);
}
