using System.Collections.Immutable;
using ConfCluster.Protocols.Sip.Messages;

namespace ConfCluster.Protocols.Sip.Parsing;

/// <summary>
/// Takes the header fields of one message, checks those that we know, and keeps what it read so that nobody reads it again. Goes on
/// after a fault (the first one stays), because a request can be answered 400 when its Via is readable (RFC 3261 §8.2.6).
/// </summary>
/// <param name="fields">How many to expect; a right guess saves a copy.</param>
internal ref struct HeaderCollector(int fields)
{
    private readonly ImmutableArray<SipHeader>.Builder _fields = ImmutableArray.CreateBuilder<SipHeader>(fields);
    private FewOrMany<Via> _vias = default;
    private FewOrMany<NameAddr> _contacts = default, _routes = default, _recordRoutes = default;
    private NameAddr? _from, _to;
    private CSeq? _cseq;
    private bool _hasCallId, _isStar;

    public SipError Error { get; private set; } = SipError.None;

    public uint? ContentLength { get; private set; }

    public readonly bool IsAnswerable => _vias.Count > 0;

    public readonly CSeq? CSeq => _cseq;

    public void Fail(SipErrorKind kind, string detail)
    {
        if (Error.Kind == SipErrorKind.None) Error = new SipError(kind, detail);
    }

    public void Add(string name, bool known, string value)
    {
        if (!known)
        {
            _fields.Add(new SipHeader(name, value));
            return;
        }

        if (IsSingle(name) && (Has(name) || name == HeaderNames.ContentLength && ContentLength is not null))
        {
            Fail(SipErrorKind.DuplicateHeader, $"{name} more than once (RFC 3261 §7.3.1)");
            return;
        }

        if (name == HeaderNames.ContentLength) AddContentLength(value);
        else
        {
            _fields.Add(new SipHeader(name, value));
            Check(name, value);
        }
    }

    private void AddContentLength(string value)
    {
        if (SipGrammar.TryNumber(value, int.MaxValue, out var length)) ContentLength = length;
        else Fail(SipErrorKind.BadContentLength, "Content-Length: not a number of bytes (RFC 3261 §20.14)");
    }

    private void Check(string name, string value)
    {
        switch (name)
        {
            case HeaderNames.Via: Refuse(name, "20.42", ValueReader.Vias(value, ref _vias)); break;
            case HeaderNames.From: Refuse(name, "20.20", ValueReader.Address(value, out _from)); break;
            case HeaderNames.To: Refuse(name, "20.39", ValueReader.Address(value, out _to)); break;
            case HeaderNames.CSeq: Refuse(name, "20.16", ValueReader.CSeq(value, out _cseq)); break;
            case HeaderNames.CallId:
                _hasCallId = true;
                Refuse(name, "20.8", ValueReader.CallId(value));
                break;
            case HeaderNames.Contact: CheckContact(value); break;
            case HeaderNames.Route: CheckRoute(name, "20.34", value, ref _routes); break;
            case HeaderNames.RecordRoute: CheckRoute(name, "20.30", value, ref _recordRoutes); break;
            case HeaderNames.MaxForwards:
                if (!SipGrammar.TryNumber(value, 255, out _)) Refuse(name, "20.22", "not a number from 0 to 255");
                break;
            case HeaderNames.ContentType: Refuse(name, "20.15", ValueReader.MediaType(value, out _)); break;
            case HeaderNames.Allow or HeaderNames.Supported or HeaderNames.Unsupported:
                Refuse(name, "20", ValueReader.Tokens(value));
                break;
            case HeaderNames.Require or HeaderNames.ProxyRequire:
                Refuse(name, "20.32", value.Length == 0 ? "empty" : ValueReader.Tokens(value));
                break;
            default: break;
        }
    }

    /// <summary>( STAR / (contact-param *( COMMA contact-param ))) (RFC 3261 §20.10): "*" stands alone.</summary>
    private void CheckContact(string value)
    {
        if (_isStar || value == "*" && _contacts.Count > 0) Refuse(HeaderNames.Contact, "20.10", "\"*\" beside other values");
        else if (value == "*") _isStar = true;
        else Refuse(HeaderNames.Contact, "20.10", ValueReader.Addresses(value, bare: true, ref _contacts));
    }

    private void CheckRoute(string name, string clause, string value, ref FewOrMany<NameAddr> routes) =>
        Refuse(name, clause, ValueReader.Addresses(value, bare: false, ref routes));

    private void Refuse(string name, string clause, string? fault)
    {
        if (fault is not null) Fail(SipErrorKind.BadHeader, $"{name}: {fault} (RFC 3261 §{clause})");
    }

    /// <summary>RFC 3261 §8.1.1: what every message has. An absent Max-Forwards is tolerated, as RFC 3261 §16.3 step 3 does.</summary>
    public void CheckComplete()
    {
        if (_vias.Count == 0) Miss(HeaderNames.Via);
        else if (!Has(HeaderNames.From)) Miss(HeaderNames.From);
        else if (!Has(HeaderNames.To)) Miss(HeaderNames.To);
        else if (!_hasCallId) Miss(HeaderNames.CallId);
        else if (!Has(HeaderNames.CSeq)) Miss(HeaderNames.CSeq);
    }

    private void Miss(string name) => Fail(SipErrorKind.MissingHeader, $"{name} missing (RFC 3261 §8.1.1)");

    public readonly SipHeaders ToHeaders() => new(_fields.DrainToImmutable())
    {
        Vias = _vias.ToImmutable(),
        From = _from!,
        To = _to!,
        CSeq = _cseq!.Value,
        Contacts = _contacts.ToImmutable(),
        Routes = _routes.ToImmutable(),
        RecordRoutes = _recordRoutes.ToImmutable(),
    };

    /// <summary>
    /// What a 400 is made of (RFC 3261 §8.2.6.2), as it was written; the typed properties give stand-ins for what cannot be read.
    /// </summary>
    public readonly SipHeaders ToRefusedHeaders()
    {
        var unreadable = new NameAddr(StartLine.Unreadable);
        var kept = ImmutableArray.CreateBuilder<SipHeader>(8);
        foreach (var field in _fields)
            if (field.Name is HeaderNames.Via or HeaderNames.From or HeaderNames.To or HeaderNames.CallId or HeaderNames.CSeq
                or HeaderNames.Timestamp)
                kept.Add(field);
        return new SipHeaders(kept.DrainToImmutable())
        {
            Vias = _vias.ToImmutable(),
            From = _from ?? unreadable,
            To = _to ?? unreadable,
            CSeq = _cseq ?? new CSeq(0, new SipMethod("")),
        };
    }

    private readonly bool Has(string name)
    {
        for (var i = 0; i < _fields.Count; i++)
            if (ReferenceEquals(_fields[i].Name, name))
                return true;
        return false;
    }

    /// <summary>Fields that are no list (RFC 3261 §7.3.1, §20): a second one is refused.</summary>
    private static bool IsSingle(string name) => name is HeaderNames.From or HeaderNames.To or HeaderNames.CallId or HeaderNames.CSeq
        or HeaderNames.MaxForwards or HeaderNames.ContentLength or HeaderNames.ContentType or HeaderNames.ContentDisposition
        or HeaderNames.Expires or HeaderNames.Date or HeaderNames.Event or HeaderNames.MinSe or HeaderNames.RAck or HeaderNames.RSeq
        or HeaderNames.ReferTo or HeaderNames.ReferredBy or HeaderNames.Replaces or HeaderNames.SessionExpires or HeaderNames.Subject
        or HeaderNames.SubscriptionState or HeaderNames.Timestamp;
}
