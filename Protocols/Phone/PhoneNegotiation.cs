using System.Collections.Immutable;
using System.Security.Cryptography;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Mikey.Exchanges;
using ConfCluster.Protocols.Mikey.Payloads;
using ConfCluster.Protocols.Mixing;
using ConfCluster.Protocols.Rtp;
using ConfCluster.Protocols.Sdp;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Srtp;
using ConfCluster.Protocols.Wire;

namespace ConfCluster.Protocols.Phone;

/// <summary>
/// The phone's side of every offer and answer of a call: what it said last, what it may send with, and what the peer sends with. Our key
/// stays as long as our address and the suite do (RFC 4568 §7.1.4). A refused offer leaves everything as it was. Owns its keys.
/// </summary>
internal sealed class PhoneNegotiation(PhoneSettings settings, MediaAddress rtp, MediaAddress rtcp, SecretWriter random) : IDisposable
{
    private const byte MkiLength = 4;

    private readonly ParticipantId _id = new("phone");
    private readonly PhoneKeying _keying = new(settings, random);
    private readonly CarriedKeys _carried = new();
    private SessionDescription? _said;
    private SessionDescription? _offer;
    private AcceptedMedia? _accepted;
    private MasterKey? _key;
    private MediaAddress _keyAddress;
    private (MediaAddress Rtp, MediaAddress Rtcp, MediaDirection Wanted) _settled;
    private long _generation;
    private ulong _mki;

    public MediaAddress Rtp { get; private set; } = rtp;

    public MediaAddress Rtcp { get; private set; } = rtcp;

    /// <summary>What we want; the peer may leave us less.</summary>
    public MediaDirection Wanted { get; set; } = MediaDirection.SendReceive;

    /// <summary>Of our stream, where messages name it.</summary>
    public uint Ssrc { set => _keying.OwnSsrc = value; }

    public bool IsSettled => _accepted is not null;

    public void MoveTo(MediaAddress rtp, MediaAddress rtcp) => (Rtp, Rtcp) = (rtp, rtcp);

    /// <summary>Our offer: the first, or the present state of the stream again.</summary>
    public SipBody Offer()
    {
        Forget();
        var keys = OfferedKeys();
        var plan = new OfferPlan(_said?.Origin ?? FirstOrigin(), Rtp, Rtcp, [.. keys.Select(k => k.Line)])
        {
            Codecs = settings.Codecs,
            Direction = Wanted,
            Extensions = _accepted?.Extensions ?? OfferPlan.FirstExtensions(settings.Capabilities.Levels),
            Levels = settings.Capabilities.Levels,
            Lines = _accepted?.Lines ?? [],
            Index = _accepted?.Index ?? 0,
        };
        _offer = OfferAnswer.Numbered(_said, OfferAnswer.CreateOffer(plan));
        foreach (var (_, fresh) in keys) fresh?.Dispose();
        return new SipBody(_keying.Write(_offer));
    }

    /// <summary>The offer came to nothing: what was settled before stays (RFC 3264 §8, RFC 4568 §7.1.4).</summary>
    public void Withdraw()
    {
        Forget();
        if (IsSettled) (Rtp, Rtcp, Wanted) = _settled;
    }

    /// <summary>Reads the answer to our offer; null when it is one, else what is wrong.</summary>
    public string? Accept(ReadOnlySpan<byte> answer)
    {
        if (_offer is null) throw new InvalidOperationException("no offer is out");
        if (!SdpReader.TryRead(answer, out var session, out var error)) return $"SDP {error}";
        var sendsUnder = _keying.Shared;
        using (session)
        using (var readable = _keying.Read(session!, _accepted?.Uplink ?? [], out var problem))
        {
            if (readable is null) return problem;
            var verdict = OfferAnswer.ExamineAnswer(_offer, readable, settings.Capabilities);
            if (verdict is OfferVerdict.Refused refused) return refused.Text;
            var media = ((OfferVerdict.Acceptable)verdict).Media;
            var chosen = _offer.Media[media.Index].Crypto.FirstOrDefault(c => c.Tag == media.CryptoTag);
            media = media with { Uplink = _carried.Carry(media.Uplink, _accepted?.Uplink ?? [], sendsUnder, begins: false) };
            Settle(media, chosen?.Keys[0].Copy(), _offer);
            _offer = null;
            return null;
        }
    }

    /// <summary>A first offer can only be answered when its ticket is resolved.</summary>
    public bool NeedsTicket => _keying.IsCalledWithTickets && !IsSettled;

    /// <summary>The ticket of a first offer; null and the refusal when there is none for us.</summary>
    public Ticket? TicketOf(ReadOnlySpan<byte> offer, out OfferVerdict.Refused refused)
    {
        refused = new OfferVerdict.Refused(400, 399, "Malformed SDP");
        if (!SdpReader.TryRead(offer, out var session, out _)) return null;
        using (session)
        {
            var ticket = _keying.Arrive(session!, settings.Suites, out var problem);
            refused = new OfferVerdict.Refused(488, 306, problem);
            return ticket;
        }
    }

    /// <summary>Whether an offer in the dialog begins a new bundle with a ticket; if that is null there is something wrong with it, which the refusal says.</summary>
    public bool Renews(ReadOnlySpan<byte> offer, out Ticket? ticket, out OfferVerdict.Refused refused)
    {
        (ticket, refused) = (null, null!);
        if (!_keying.MayRenew || !SdpReader.TryRead(offer, out var session, out _)) return false;
        using (session)
        {
            if (OfferAnswer.Compare(_accepted!.Origin, session!.Origin) == OriginChange.Unchanged || !_keying.Renews(session)) return false;
            ticket = _keying.Arrive(session, settings.Suites, out var problem);
            refused = new OfferVerdict.Refused(488, 306, problem);
            return true;
        }
    }

    /// <summary>Null, or what is wrong.</summary>
    /// <param name="granted">What the KMS gave for the ticket; borrowed.</param>
    public string? Verify(GrantedKeys granted) => _keying.Verify(granted);

    /// <summary>Answers an offer; null and the refusal when it cannot be.</summary>
    public SipBody? Answer(ReadOnlySpan<byte> offer, out OfferVerdict.Refused refused)
    {
        refused = new OfferVerdict.Refused(400, 399, "Malformed SDP");
        if (!SdpReader.TryRead(offer, out var session, out var error))
        {
            refused = refused with { Text = $"SDP {error}" };
            return null;
        }

        using (session)
        {
            if (_keying.IsKeyed && _accepted is { } before && OfferAnswer.Compare(before.Origin, session!.Origin) == OriginChange.Unchanged)
                return new SipBody(_keying.Repeated);
            var sendsUnder = _keying.Shared;
            using var readable = _keying.Read(session!, _accepted?.Uplink ?? [], out var problem);
            if (readable is null)
            {
                refused = new OfferVerdict.Refused(488, 306, problem);
                return null;
            }

            var history = new MediaHistory(_accepted?.Lines ?? [], _key is null ? [] : [_key]);
            var verdict = OfferAnswer.Examine(readable, settings.Capabilities with { Families = [Rtp.Family] }, history);
            if (verdict is OfferVerdict.Refused no)
            {
                _keying.Withdraw();
                refused = no;
                return null;
            }

            var media = ((OfferVerdict.Acceptable)verdict).Media;
            media = media with { Direction = new MediaDirection(media.Direction.Send && Wanted.Send, media.Direction.Receive && Wanted.Receive) };
            media = media with { Uplink = _carried.Carry(media.Uplink, _accepted?.Uplink ?? [], sendsUnder, _keying.GoesOn) };
            var key = AnswerKey(media);
            var answer = OfferAnswer.Answer(media, new LocalMedia(_said?.Origin ?? FirstOrigin(), Rtp, Rtcp, key is null ? [] : [key]));
            Settle(media, key, OfferAnswer.Numbered(_said, answer));
            return new SipBody(_keying.Write(_said!));
        }
    }

    /// <summary>Streams of others that run already, as the newest message tells.</summary>
    public ImmutableArray<UplinkIndex> Streams => _keying.Streams;

    /// <summary>For the media, with copies of the keys; null while there is nothing, or nothing protected.</summary>
    public LegMedia? Media() => _accepted is { IsProtected: true } media ? media.ToLegMedia(_id, ++_generation, Sending(media)) : null;

    /// <summary>The group's key where the focus says so and gave it to us; else our own.</summary>
    private MasterKey Sending(AcceptedMedia media) => _keying.Shared is { } shared && media.Uplink.FirstOrDefault(k => k.Mki == shared) is { } key ? key : _key!;

    public void Dispose()
    {
        Forget();
        _keying.Dispose();
        _carried.Dispose();
        _said?.Dispose();
        _accepted?.Dispose();
        _key?.Dispose();
    }

    private void Forget()
    {
        _offer?.Dispose();
        _offer = null;
    }

    private void Settle(AcceptedMedia media, MasterKey? key, SessionDescription said)
    {
        if (!ReferenceEquals(key, _key)) _key?.Dispose();
        if (!ReferenceEquals(said, _said)) _said?.Dispose();
        _accepted?.Dispose();
        (_accepted, _key, _keyAddress, _said) = (media, key, Rtp, said);
        _settled = (Rtp, Rtcp, Wanted);
    }

    /// <summary>The lines to offer; a fresh key is ours to zero once the offer has its copy.</summary>
    private ImmutableArray<(OfferedCrypto Line, MasterKey? Fresh)> OfferedKeys()
    {
        if (_accepted is null)
            return [.. settings.Suites.Select((suite, i) => Fresh((uint)i + 1, NewKey(suite, settings.UseMki)))];
        if (_key is null) return [];
        return Rtp == _keyAddress
            ? [(new OfferedCrypto(1, [_key]), null)]
            : [Fresh(1, NewKey(_key.Profile, _key.Mki.IsPresent))];

        static (OfferedCrypto, MasterKey?) Fresh(uint tag, MasterKey key) => (new OfferedCrypto(tag, [key]), key);
    }

    private MasterKey? AnswerKey(AcceptedMedia media)
    {
        if (media.Profile is not { } profile) return null;
        // A new bundle has keys of its own.
        var fits = _key is not null && !_keying.IsRenewing && _key.Profile == profile && _keyAddress == Rtp && (!_key.Mki.IsPresent || media.MkiLength > 0);
        return fits ? _key : NewKey(profile, settings.UseMki && media.MkiLength > 0);
    }

    /// <summary>In a MIKEY bundle both sides' keys have their names from one space: a phone's have the second highest bit set.</summary>
    private MasterKey NewKey(SrtpProfile profile, bool mki)
    {
        var name = mki ? new Mki((_keying.IsKeyed ? 1ul << 30 : 0) | ++_mki, MkiLength) : Mki.None;
        return _keying.FirstKey(profile, name) ?? MasterKey.Generate(profile, name, random);
    }

    private SdpOrigin FirstOrigin()
    {
        Span<byte> id = stackalloc byte[4];
        random(id);
        var number = System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(id);
        CryptographicOperations.ZeroMemory(id);
        return SdpOrigin.Of(number, 1, Rtp);
    }
}
