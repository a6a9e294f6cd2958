using System.Collections.Immutable;
using ConfCluster.Protocols.Mikey.Payloads;

namespace ConfCluster.Protocols.Mikey.Exchanges;

/// <summary>Where a Ticket Transfer or a CSB update stands at the side that began it.</summary>
public abstract record TransferState
{
    private TransferState()
    {
    }

    /// <summary>
    /// TRANSFER_INIT is out; its keys are the granted ones, which stay the caller's. Owns those that it sent. Several may answer, each for itself (RFC 6043
    /// §5.1.1), so this is whoever began the transfer to dispose, when nobody is waited for any more.
    /// </summary>
    public sealed record Waiting(MikeyMessage Init, Octets Sent, GrantedKeys Granted, ImmutableArray<TransportedKey> Keys) : TransferState, IDisposable
    {
        public void Dispose() => TicketTransfer.Drop(Keys);
    }

    /// <summary>The bundle is whoever takes this state's to dispose.</summary>
    public sealed record Done(BundleState Bundle) : TransferState;

    public sealed record Failed(ExchangeError Error, ImmutableArray<ErrorNumber> Said) : TransferState;
}

/// <summary>What is to be done, in order.</summary>
public abstract record TransferEffect
{
    private TransferEffect()
    {
    }

    public sealed record Send(Octets Message) : TransferEffect;

    /// <summary>Keys of the bundle, with forking the forked ones; the receiver owns them.</summary>
    public sealed record Agreed(ImmutableArray<TransportedKey> Keys) : TransferEffect;

    /// <summary>Looked at and left alone.</summary>
    public sealed record Ignored(ExchangeError Error) : TransferEffect;
}

public readonly record struct TransferStep(TransferState State, ImmutableArray<TransferEffect> Effects);

/// <summary>
/// The Initiator's side of Ticket Transfer (RFC 6043 §4.2.2). What is not authentic changes nothing, so that only the Responder ends it.
/// Whether the answered IDRr is one that the caller wants to talk to is the caller's to decide: it stands in the bundle.
/// </summary>
public static class TicketTransfer
{
    /// <param name="self">IDRi, whom the ticket names.</param>
    /// <exception cref="ArgumentException">Keys where the policy's L flag has none, or a ticket that cannot be used.</exception>
    public static TransferStep Begin(GrantedKeys granted, Identity self, Identity responder, SessionTerms terms, ExchangeContext context)
    {
        ArgumentNullException.ThrowIfNull(granted);
        ArgumentNullException.ThrowIfNull(terms);
        var policy = granted.Ticket.Policy;
        if (!terms.Keys.IsDefaultOrEmpty && !CryptoBundle.MaySendKeys(policy, BundleRole.Initiator)) throw new ArgumentException("L is 0", nameof(terms));
        var suite = MikeySuite.Of(policy.Prf) ?? throw new ArgumentException("no suite has this PRF", nameof(granted));
        var rand = context.Rand(Math.Max(suite.KeyLength, granted.LongestKey));
        var time = BundleClock.Next(null, context.Now, BundleRole.Initiator);

        // RFC 6043 §4.2.2.1: V as F.
        var header = new MikeyHeader(MessageType.TransferInit, policy.Has(TicketFlags.Answered), suite.Prf, context.CsbId(), new CsIdMap.Generic(terms.Sessions));
        using var keys = MessageKeys.Derive(suite, granted.Mpki.Key, KeyLabel.Message(header.CsbId, false, rand, Octets.Empty));
        var init = MikeyMac.Seal(
            new MikeyMessage(header, new ListOf<MikeyPayload>(
            [
                new Timestamp(time), new RoleRand(RandRole.Initiator, rand), new RoleIdentity(IdentityRole.Initiator, self),
                new RoleIdentity(IdentityRole.Responder, responder), .. SessionRules.Body(terms, granted.Ticket with { Proof = Octets.Empty }, keys, header.CsbId, time),
            ])),
            keys, self.Name, responder.Name);
        if (policy.Has(TicketFlags.Forking)) init = Proven(init, granted);
        var sent = MikeyWriter.Write(init);
        ImmutableArray<TransportedKey> own = terms.Keys.IsDefaultOrEmpty ? [] : [.. terms.Keys.Select(k => k.Copy())];
        if (policy.Has(TicketFlags.Answered)) return new TransferStep(new TransferState.Waiting(init, sent, granted, own), [new TransferEffect.Send(sent)]);

        // Nobody answers, so TRANSFER_INIT was the last message: its keys protect what follows (RFC 6043 §5.2).
        var bundle = new CryptoBundle(header.CsbId, BundleRole.Initiator, self, responder, policy, keys.Copy(), (rand, Octets.Empty));
        var state = new BundleState(bundle, time, terms.Sessions, terms.Policies);
        var all = new TransferEffect.Agreed([.. granted.Keys.Select(k => k.Copy()), .. own]);
        return new TransferStep(new TransferState.Done(state), [new TransferEffect.Send(sent), all]);
    }

    public static TransferStep Next(TransferState state, Octets received, ExchangeContext context)
    {
        if (state is not TransferState.Waiting waiting) return new TransferStep(state, []);
        if (!MikeyReader.TryRead(received.Span, out var message, out _)) return Ignore(state, ExchangeError.Malformed);
        if (message!.CsbId != waiting.Init.CsbId || message.Header.Prf != waiting.Init.Header.Prf) return Ignore(state, ExchangeError.UnexpectedMessage);
        if (message.Header.Type == MessageType.Error) return OnError(waiting, message, context);
        if (message.Header.Type != MessageType.TransferResponse) return Ignore(state, ExchangeError.UnexpectedMessage);
        if (message.First<Timestamp>() is not { } t) return Ignore(state, ExchangeError.MissingPayload);
        if (Check(waiting, message, out var responderRand) is var early and not ExchangeError.None) return Ignore(state, early);
        var policy = waiting.Granted.Ticket.Policy;
        var suite = MikeySuite.Of(policy.Prf)!;
        var modifier = Modifier(waiting, message);
        using var forked = modifier is var (who, kmsRand) ? KeyFork.Mpk(policy.Prf, waiting.Granted.Mpkr!, who, kmsRand) : null;
        var initiatorRand = waiting.Init.RandOf(RandRole.Initiator)!.Value;
        var keys = MessageKeys.Derive(suite, (forked ?? waiting.Granted.Mpki).Key, KeyLabel.Message(message.CsbId, true, initiatorRand, responderRand));
        var error = MikeyMac.IsRight(message, keys, waiting.Sent) ? ExchangeError.None : ExchangeError.MacMismatch;
        if (error != ExchangeError.None)
        {
            keys.Dispose();
            return Ignore(state, error);
        }

        // From here on it is the Responder who speaks: what is wrong now ends the exchange.
        error = Open(waiting, message, t.Time, keys, context, out var opened);
        if (error != ExchangeError.None)
        {
            keys.Dispose();
            return new TransferStep(new TransferState.Failed(error, []), []);
        }

        var responder = message.IdentityOf(IdentityRole.Responder) ?? waiting.Init.IdentityOf(IdentityRole.Responder)!.Value;
        var self = waiting.Init.IdentityOf(IdentityRole.Initiator)!.Value;
        var bundle = new CryptoBundle(message.CsbId, BundleRole.Initiator, self, responder, policy, keys, (initiatorRand, responderRand));
        var policies = SessionRules.Merge(new([.. waiting.Init.All<SecurityPolicy>()]), message);
        var ticketKeys = waiting.Granted.Keys.Select(k => modifier is var (r, rand) ? KeyFork.Session(policy.Prf, k, r, rand) : k.Copy());
        var agreed = new TransferEffect.Agreed([.. ticketKeys, .. waiting.Keys.Select(k => k.Copy()), .. opened]);
        var sessions = ((CsIdMap.Generic)message.Header.Map).Sessions;
        return new TransferStep(new TransferState.Done(new BundleState(bundle, t.Time, sessions, policies)), [agreed]);
    }

    internal static void Drop(ImmutableArray<TransportedKey> keys)
    {
        foreach (var key in keys) key.Dispose();
    }

    /// <summary>RFC 6043 §6.10: Vi is the V of this message, which does not cover Initiator Data.</summary>
    private static MikeyMessage Proven(MikeyMessage init, GrantedKeys granted)
    {
        var proof = InitiatorProofs.Make((Verification)init.Last!, granted.Ticket.Policy.Prf, granted.Mpkr!.Key);
        return init with { Payloads = new([.. init.Payloads.Select(p => p is Ticket ticket ? ticket with { Proof = proof } : p)]) };
    }

    /// <summary>What the derivations need: RANDRr if G, and with forking who answers and RANDRkms (RFC 6043 §4.2.2.3).</summary>
    private static ExchangeError Check(TransferState.Waiting waiting, MikeyMessage message, out Octets responderRand)
    {
        var policy = waiting.Granted.Ticket.Policy;
        responderRand = message.RandOf(RandRole.Responder) ?? Octets.Empty;
        var wantsRand = policy.Has(TicketFlags.ResponderRand);
        if (wantsRand == responderRand.IsEmpty) return wantsRand ? ExchangeError.MissingPayload : ExchangeError.UnexpectedMessage;
        return policy.Has(TicketFlags.Forking) && Modifier(waiting, message) is null ? ExchangeError.MissingPayload : ExchangeError.None;
    }

    private static (Identity Responder, Octets KmsRand)? Modifier(TransferState.Waiting waiting, MikeyMessage message) =>
        waiting.Granted.Ticket.Policy.Has(TicketFlags.Forking) && message.IdentityOf(IdentityRole.Responder) is { } responder
        && message.RandOf(RandRole.Kms) is { } rand ? (responder, rand) : null;

    private static ExchangeError Open(
        TransferState.Waiting waiting, MikeyMessage message, MikeyTime time, MessageKeys keys, ExchangeContext context, out ImmutableArray<TransportedKey> opened)
    {
        opened = [];
        if (!context.IsFresh(time) || time.Type == TimestampType.Counter) return ExchangeError.BadTimestamp;

        // TRANSFER_INIT has keys of its own, so T need not be newer here; it is the oldest of those that follow.
        var policy = waiting.Granted.Ticket.Policy;
        var known = new ListOf<SecurityPolicy>([.. waiting.Init.All<SecurityPolicy>()]);
        var error = SessionRules.CheckAnswer(message, waiting.Init, policy, BundleRole.Responder, known);
        if (error != ExchangeError.None) return error;
        return SessionRules.TryOpen(message, keys, time, out opened) ? ExchangeError.None : ExchangeError.BadKeys;
    }

    /// <summary>RFC 6043 §5.4: under the auth_key of the message where the error occurred. Without V it is a hint, and no more.</summary>
    private static TransferStep OnError(TransferState.Waiting waiting, MikeyMessage message, ExchangeContext context)
    {
        var rand = waiting.Init.RandOf(RandRole.Initiator)!.Value;
        using var keys = MessageKeys.Derive(
            MikeySuite.Of(waiting.Init.Header.Prf)!, waiting.Granted.Mpki.Key, KeyLabel.Message(waiting.Init.CsbId, false, rand, Octets.Empty));
        if (!MikeyMac.IsRight(message, keys)) return Ignore(waiting, ExchangeError.MacMismatch);
        if (message.First<Timestamp>() is not { } t || !context.IsFresh(t.Time)) return Ignore(waiting, ExchangeError.BadTimestamp);
        return new TransferStep(new TransferState.Failed(ExchangeError.RefusedByPeer, [.. message.All<ErrorPayload>().Select(e => e.Error)]), []);
    }

    private static TransferStep Ignore(TransferState state, ExchangeError error) => new(state, [new TransferEffect.Ignored(error)]);
}
