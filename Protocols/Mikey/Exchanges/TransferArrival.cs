using System.Collections.Immutable;
using ConfCluster.Protocols.Mikey.Payloads;

namespace ConfCluster.Protocols.Mikey.Exchanges;

/// <summary>
/// The Responder's side of Ticket Transfer (RFC 6043 §4.2.2.2), in the order of the RFC: look at what is said, resolve the ticket, check who
/// said it, answer. A ticket without J that comes again is not noticed here: who may use one may have another.
/// </summary>
/// <param name="Init">Unauthenticated until <see cref="Verify"/>.</param>
public sealed record TransferArrival(MikeyMessage Init, Octets Received)
{
    public Ticket Ticket { get; } = Init.First<Ticket>()!;

    public Identity Initiator => Init.IdentityOf(IdentityRole.Initiator)!.Value;

    /// <summary>To whom: the name that the ticket's requester chose.</summary>
    public Identity Responder => Init.IdentityOf(IdentityRole.Responder)!.Value;

    public ListOf<GenericSession> Sessions => ((CsIdMap.Generic)Init.Header.Map).Sessions;

    /// <summary>The cheap checks, before anybody is asked: nothing here is proven, and nothing is kept (RFC 6043 §4.2.2.2, §12.3).</summary>
    /// <param name="replays">Null: it is somebody else's, who looks at it in <see cref="Verify"/>.</param>
    public static ExchangeError TryRead(Octets received, ReplayCache? replays, ExchangeContext context, out TransferArrival? arrival)
    {
        ArgumentNullException.ThrowIfNull(context);
        arrival = null;
        if (!MikeyReader.TryRead(received.Span, out var init, out _)) return ExchangeError.Malformed;
        if (init!.Header.Type != MessageType.TransferInit) return ExchangeError.UnexpectedMessage;
        if (MikeySuite.Of(init.Header.Prf) is not { } suite) return ExchangeError.UnsupportedAlgorithm;
        if (init.First<Timestamp>() is not { } t || init.RandOf(RandRole.Initiator) is not { } rand || init.First<Ticket>() is not { } ticket
            || init.IdentityOf(IdentityRole.Initiator) is not { } initiator || init.IdentityOf(IdentityRole.Responder) is null
            || init.Last is not Verification v) return ExchangeError.MissingPayload;
        if (TicketRules.Check(ticket.Policy, context.Now) is var wrong and not ExchangeError.None) return wrong;
        if (ticket.Policy.Prf != suite.Prf || v.Algorithm != suite.Mac) return ExchangeError.UnsupportedAlgorithm;
        if (rand.Length < suite.KeyLength) return ExchangeError.TooShort;
        if (ticket.Policy.Initiator is { } named && named != initiator) return ExchangeError.WrongParty;
        if (ticket.Policy.Has(TicketFlags.Forking) ? !InitiatorProofs.Names(ticket, v) : !ticket.Proof.IsEmpty) return ExchangeError.BadTicket;
        if (SessionRules.CheckOffer(init, ticket.Policy, BundleRole.Initiator, default) is var bad and not ExchangeError.None) return bad;
        if (!context.IsFresh(t.Time)) return ExchangeError.BadTimestamp;
        if (replays?.Accepts(t.Time, received, context.Now) is { } stale and not ExchangeError.None) return stale;
        arrival = new TransferArrival(init, received);
        return ExchangeError.None;
    }

    /// <summary>
    /// Whether the message comes from who has the ticket's keys. <paramref name="granted"/> stays the caller's; the state that comes of it
    /// owns copies.
    /// </summary>
    public ExchangeError Verify(GrantedKeys granted, ReplayCache replays, ExchangeContext context, out VerifiedTransfer? verified)
    {
        ArgumentNullException.ThrowIfNull(granted);
        ArgumentNullException.ThrowIfNull(replays);
        ArgumentNullException.ThrowIfNull(context);
        verified = null;
        if (granted.Ticket != Ticket || Ticket.Policy.Has(TicketFlags.Forking) != granted.Modifier is not null) return ExchangeError.BadTicket;
        var time = Init.First<Timestamp>()!.Time;
        var rand = Init.RandOf(RandRole.Initiator)!.Value;
        using var keys = MessageKeys.Derive(MikeySuite.Of(Init.Header.Prf)!, granted.Mpki.Key, KeyLabel.Message(Init.CsbId, false, rand, Octets.Empty));
        if (!MikeyMac.IsRight(Init, keys, Initiator.Name, Responder.Name)) return ExchangeError.MacMismatch;

        // Two copies of a message may have been resolved at the same time.
        if (replays.Accepts(time, Received, context.Now) is var stale and not ExchangeError.None) return stale;
        replays.Commit(time, Received, context.Now);

        // RFC 6043 §12.1: without RANDRr this RAND alone is as long as the longest key.
        if (!Ticket.Policy.Has(TicketFlags.ResponderRand) && rand.Length < granted.LongestKey) return ExchangeError.TooShort;
        if (!SessionRules.TryOpen(Init, keys, time, out var sent)) return ExchangeError.BadKeys;
        verified = new VerifiedTransfer(this, keys.Copy(), (granted.Mpkr ?? granted.Mpki).Copy(), granted.Modifier, [.. granted.Keys.Select(k => k.Copy()), .. sent]);
        return ExchangeError.None;
    }
}

/// <summary>A TRANSFER_INIT that is authentic. Owns the keys of the ticket and of the message until it is answered.</summary>
public sealed class VerifiedTransfer(
    TransferArrival arrival, MessageKeys initKeys, TransportedKey mpk, (Identity Responder, Octets KmsRand)? modifier, ImmutableArray<TransportedKey> keys) : IDisposable
{
    public TransferArrival Arrival { get; } = arrival;

    /// <summary>The ticket's and those that the Initiator sent.</summary>
    public ImmutableArray<TransportedKey> Keys { get; } = keys;

    /// <summary>
    /// TRANSFER_RESP and the bundle that begins with it. Whoever takes the bundle disposes it; this stays the caller's.
    /// </summary>
    /// <param name="self">IDRr; with forking the KMS's name for us goes instead.</param>
    /// <exception cref="ArgumentException">The policy wants no answer, or no keys of ours (M), or the terms leave something out.</exception>
    public (BundleState State, Octets Response) Answer(Identity self, SessionTerms terms, ExchangeContext context)
    {
        ArgumentNullException.ThrowIfNull(terms);
        ArgumentNullException.ThrowIfNull(context);
        var (init, policy) = (Arrival.Init, Arrival.Ticket.Policy);
        if (!policy.Has(TicketFlags.Answered)) throw new ArgumentException("F is 0", nameof(terms));
        var suite = initKeys.Suite;
        var initiatorRand = init.RandOf(RandRole.Initiator)!.Value;

        // RFC 6043 §12.1: both RANDs together are as long as the longest key; ours alone already is.
        var rand = policy.Has(TicketFlags.ResponderRand) ? context.Rand(Math.Max(suite.KeyLength, Keys.Append(mpk).Max(k => k.Key.Length))) : Octets.Empty;
        var time = BundleClock.Next(init.First<Timestamp>()!.Time, context.Now, BundleRole.Responder);
        var keys = MessageKeys.Derive(suite, mpk.Key, KeyLabel.Message(init.CsbId, true, initiatorRand, rand));
        var responder = modifier?.Responder ?? self;
        ImmutableArray<MikeyPayload> payloads = [new Timestamp(time)];
        if (!rand.IsEmpty) payloads = payloads.Add(new RoleRand(RandRole.Responder, rand));
        payloads = payloads.Add(new RoleIdentity(IdentityRole.Responder, responder));
        if (modifier is var (_, kmsRand)) payloads = payloads.Add(new RoleRand(RandRole.Kms, kmsRand));
        var header = init.Header with { Type = MessageType.TransferResponse, V = false, Map = new CsIdMap.Generic(terms.Sessions) };
        var open = new MikeyMessage(header, new ListOf<MikeyPayload>([.. payloads, .. SessionRules.Body(terms, null, keys, init.CsbId, time)]));
        var known = new ListOf<SecurityPolicy>([.. init.All<SecurityPolicy>()]);
        if (SessionRules.CheckAnswer(open, init, policy, BundleRole.Responder, known) is var wrong and not ExchangeError.None)
            throw new ArgumentException($"such an answer is {wrong}", nameof(terms));
        var response = MikeyWriter.Write(MikeyMac.Seal(open, keys, Arrival.Received));
        var bundle = new CryptoBundle(init.CsbId, BundleRole.Responder, Arrival.Initiator, responder, policy, keys, (initiatorRand, rand));
        return (new BundleState(bundle, time, terms.Sessions, SessionRules.Merge(known, open)), response);
    }

    /// <summary>The bundle where the policy wants no answer: TRANSFER_INIT was its last message (RFC 6043 §5.2).</summary>
    public BundleState WithoutAnswer()
    {
        var init = Arrival.Init;
        if (Arrival.Ticket.Policy.Has(TicketFlags.Answered)) throw new InvalidOperationException("F is 1");
        var bundle = new CryptoBundle(
            init.CsbId, BundleRole.Responder, Arrival.Initiator, Arrival.Responder, Arrival.Ticket.Policy, initKeys.Copy(),
            (init.RandOf(RandRole.Initiator)!.Value, Octets.Empty));
        return new BundleState(bundle, init.First<Timestamp>()!.Time, Arrival.Sessions, new([.. init.All<SecurityPolicy>()]));
    }

    /// <summary>An Error message that the Initiator believes (RFC 6043 §5.4). <paramref name="supported"/>: policies that we can keep.</summary>
    public Octets Refuse(ExchangeError error, ListOf<SecurityPolicy> supported, ExchangeContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        var header = Arrival.Init.Header with { Type = MessageType.Error, V = false, Map = new CsIdMap.Generic(default) };
        return MikeyWriter.Write(MikeyMac.Seal(
            new MikeyMessage(header, new ListOf<MikeyPayload>([new Timestamp(MikeyTime.At(context.Now)), new ErrorPayload(error.ToNumber()), .. supported])), initKeys));
    }

    public void Dispose()
    {
        initKeys.Dispose();
        mpk.Dispose();
        TicketTransfer.Drop(Keys);
    }
}
