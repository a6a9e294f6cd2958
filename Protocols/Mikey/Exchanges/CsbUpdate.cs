using System.Collections.Immutable;
using ConfCluster.Protocols.Mikey.Payloads;

namespace ConfCluster.Protocols.Mikey.Exchanges;

/// <summary>Where a bundle stands with its updates.</summary>
/// <param name="Pending">Our own update that waits for its answer; null: none.</param>
public sealed record UpdateState(BundleState Bundle, PendingUpdate? Pending = null);

/// <param name="Sent">As it went out.</param>
public sealed record PendingUpdate(MikeyMessage Init, Octets Sent);

/// <summary>What came of a message in a bundle.</summary>
public abstract record UpdateEffect
{
    private UpdateEffect()
    {
    }

    public sealed record Send(Octets Message) : UpdateEffect;

    /// <summary>The other side's update: answer it if it wants an answer. The receiver owns the keys.</summary>
    public sealed record Updated(ImmutableArray<TransportedKey> Keys, MikeyMessage Init, Octets Received, bool WantsAnswer) : UpdateEffect;

    /// <summary>Ours was answered. The receiver owns the keys that came with it.</summary>
    public sealed record Confirmed(ImmutableArray<TransportedKey> Keys) : UpdateEffect;

    /// <summary>Ours was refused by the other side, provably.</summary>
    public sealed record Refused(ImmutableArray<ErrorNumber> Said) : UpdateEffect;

    /// <summary>
    /// From the other side, and not what may be taken: an update that <see cref="CsbUpdate.Refuse"/> answers, or an answer that ends ours.
    /// </summary>
    public sealed record Unacceptable(ExchangeError Error) : UpdateEffect;

    /// <summary>Looked at and left alone.</summary>
    public sealed record Ignored(ExchangeError Error) : UpdateEffect;
}

public readonly record struct UpdateStep(UpdateState State, ImmutableArray<UpdateEffect> Effects);

/// <summary>
/// CSB update (RFC 6043 §5.2), from both sides: Ticket Transfer again with the same CSB ID, without RANDs and ticket, under the keys of the
/// transfer's last message. Every T is newer than all that this side sent or took, so nothing comes back, from either direction.
/// </summary>
public static class CsbUpdate
{
    /// <summary>TRANSFER_INIT with V = 1. A new one replaces one that was never answered.</summary>
    /// <exception cref="ArgumentException">Keys that the policy (L, M) does not let this side send, or terms that contradict themselves.</exception>
    public static UpdateStep Begin(UpdateState state, SessionTerms terms, ExchangeContext context)
    {
        ArgumentNullException.ThrowIfNull(state);
        ArgumentNullException.ThrowIfNull(terms);
        ArgumentNullException.ThrowIfNull(context);
        var (bundle, newest) = (state.Bundle.Bundle, state.Bundle.Newest);
        var time = BundleClock.Next(newest, context.Now, bundle.Role);
        var header = new MikeyHeader(MessageType.TransferInit, V: true, bundle.Keys.Suite.Prf, bundle.CsbId, new CsIdMap.Generic(terms.Sessions));

        // RFC 6043 §5.2: who starts names itself first, which is how a message that came back is told.
        var identities = Names(bundle);
        if (bundle.Role == BundleRole.Responder) identities = [identities[1], identities[0]];
        var body = SessionRules.Body(terms, null, bundle.Keys, bundle.CsbId, time);
        var open = new MikeyMessage(header, new ListOf<MikeyPayload>([new Timestamp(time), .. identities, .. body]));
        if (SessionRules.CheckOffer(open, bundle.Policy, bundle.Role, state.Bundle.Policies) is var wrong and not ExchangeError.None)
            throw new ArgumentException($"such an update is {wrong}", nameof(terms));
        var init = MikeyMac.Seal(open, bundle.Keys, bundle.Initiator.Name, bundle.Responder.Name);
        var sent = MikeyWriter.Write(init);
        return new UpdateStep(state with { Bundle = state.Bundle with { Newest = time }, Pending = new PendingUpdate(init, sent) }, [new UpdateEffect.Send(sent)]);
    }

    public static UpdateStep Next(UpdateState state, Octets received, ExchangeContext context)
    {
        ArgumentNullException.ThrowIfNull(state);
        ArgumentNullException.ThrowIfNull(context);
        var bundle = state.Bundle.Bundle;
        if (!MikeyReader.TryRead(received.Span, out var message, out _)) return Ignore(state, ExchangeError.Malformed);
        if (message!.CsbId != bundle.CsbId || message.Header.Prf != bundle.Keys.Suite.Prf) return Ignore(state, ExchangeError.UnexpectedMessage);
        if (message.First<Timestamp>() is not { } t) return Ignore(state, ExchangeError.MissingPayload);
        return (message.Header.Type, state.Pending) switch
        {
            (MessageType.TransferInit, _) => OnInit(state, message, received, t.Time, context),
            (MessageType.TransferResponse, { } pending) => OnResponse(state, pending, message, t.Time, context),
            (MessageType.Error, { } pending) => OnError(state, pending, message, t.Time, context),
            _ => Ignore(state, ExchangeError.UnexpectedMessage),
        };
    }

    /// <summary>TRANSFER_RESP to an <see cref="UpdateEffect.Updated"/> that was the last thing taken in this bundle.</summary>
    /// <exception cref="ArgumentException">Terms that are no answer to it, or keys that the policy does not let this side send.</exception>
    public static UpdateStep Answer(UpdateState state, UpdateEffect.Updated update, SessionTerms terms, ExchangeContext context)
    {
        ArgumentNullException.ThrowIfNull(state);
        ArgumentNullException.ThrowIfNull(update);
        ArgumentNullException.ThrowIfNull(terms);
        ArgumentNullException.ThrowIfNull(context);
        var bundle = state.Bundle.Bundle;
        var time = BundleClock.Next(state.Bundle.Newest, context.Now, bundle.Role);
        var header = update.Init.Header with { Type = MessageType.TransferResponse, V = false, Map = new CsIdMap.Generic(terms.Sessions) };
        var self = Names(bundle)[(int)bundle.Role];
        var open = new MikeyMessage(header, new ListOf<MikeyPayload>([new Timestamp(time), self, .. SessionRules.Body(terms, null, bundle.Keys, bundle.CsbId, time)]));
        if (SessionRules.CheckAnswer(open, update.Init, bundle.Policy, bundle.Role, state.Bundle.Policies) is var wrong and not ExchangeError.None)
            throw new ArgumentException($"such an answer is {wrong}", nameof(terms));
        var response = MikeyWriter.Write(MikeyMac.Seal(open, bundle.Keys, update.Received));
        var next = state.Bundle with { Newest = time, Sessions = terms.Sessions, Policies = SessionRules.Merge(state.Bundle.Policies, open) };
        return new UpdateStep(state with { Bundle = next }, [new UpdateEffect.Send(response)]);
    }

    /// <summary>An Error message that the other side believes, for an update that we cannot take (RFC 6043 §5.4).</summary>
    public static Octets Refuse(UpdateState state, ExchangeError error, ExchangeContext context)
    {
        ArgumentNullException.ThrowIfNull(state);
        ArgumentNullException.ThrowIfNull(context);
        var bundle = state.Bundle.Bundle;
        var header = new MikeyHeader(MessageType.Error, V: false, bundle.Keys.Suite.Prf, bundle.CsbId, new CsIdMap.Generic(default));
        var time = BundleClock.Next(state.Bundle.Newest, context.Now, bundle.Role);
        return MikeyWriter.Write(MikeyMac.Seal(new MikeyMessage(header, new Timestamp(time), new ErrorPayload(error.ToNumber())), bundle.Keys));
    }

    private static UpdateStep OnInit(UpdateState state, MikeyMessage init, Octets received, MikeyTime time, ExchangeContext context)
    {
        var bundle = state.Bundle.Bundle;
        var first = init.First<RoleIdentity>();
        var peer = bundle.Role == BundleRole.Initiator ? BundleRole.Responder : BundleRole.Initiator;
        if (first is null) return Ignore(state, ExchangeError.MissingPayload);
        if (first.Role != (peer == BundleRole.Initiator ? IdentityRole.Initiator : IdentityRole.Responder)) return Ignore(state, ExchangeError.WrongParty);

        // RFC 6043 §5.2: New RANDs or TICKETs MUST NOT be included; neither does anybody need the old ones.
        if (init.First<Ticket>() is not null || init.First<RoleRand>() is not null) return Ignore(state, ExchangeError.UnexpectedMessage);
        if (Check(state, init, time, context, bundle.Initiator.Name, bundle.Responder.Name) is var wrong and not ExchangeError.None) return Ignore(state, wrong);
        var error = SessionRules.CheckOffer(init, bundle.Policy, peer, state.Bundle.Policies);
        ImmutableArray<TransportedKey> keys = [];
        if (error == ExchangeError.None && !SessionRules.TryOpen(init, bundle.Keys, time, out keys)) error = ExchangeError.BadKeys;
        if (error != ExchangeError.None) return Unacceptable(state with { Bundle = state.Bundle with { Newest = time } }, error);
        var next = state.Bundle with { Newest = time, Policies = SessionRules.Merge(state.Bundle.Policies, init) };
        return new UpdateStep(state with { Bundle = next }, [new UpdateEffect.Updated(keys, init, received, init.Header.V)]);
    }

    private static UpdateStep OnResponse(UpdateState state, PendingUpdate pending, MikeyMessage response, MikeyTime time, ExchangeContext context)
    {
        var bundle = state.Bundle.Bundle;
        var peer = bundle.Role == BundleRole.Initiator ? BundleRole.Responder : BundleRole.Initiator;
        if (Check(state, response, time, context, pending.Sent) is var wrong and not ExchangeError.None) return Ignore(state, wrong);
        var known = SessionRules.Merge(state.Bundle.Policies, pending.Init);
        var error = SessionRules.CheckAnswer(response, pending.Init, bundle.Policy, peer, known);
        ImmutableArray<TransportedKey> keys = [];
        if (error == ExchangeError.None && !SessionRules.TryOpen(response, bundle.Keys, time, out keys)) error = ExchangeError.BadKeys;
        if (error != ExchangeError.None) return Unacceptable(new UpdateState(state.Bundle with { Newest = time }), error);
        var sessions = ((CsIdMap.Generic)response.Header.Map).Sessions;
        var next = state.Bundle with { Newest = time, Sessions = sessions, Policies = SessionRules.Merge(known, response) };
        return new UpdateStep(new UpdateState(next), [new UpdateEffect.Confirmed(keys)]);
    }

    private static UpdateStep OnError(UpdateState state, PendingUpdate pending, MikeyMessage message, MikeyTime time, ExchangeContext context)
    {
        // An Error names no message, so one that is older than what waits for its answer is none to it.
        if (!MikeyMac.IsRight(message, state.Bundle.Bundle.Keys)) return Ignore(state, ExchangeError.MacMismatch);
        if (!context.IsFresh(time) || !BundleClock.IsNewer(time, pending.Init.First<Timestamp>()!.Time)) return Ignore(state, ExchangeError.BadTimestamp);
        return new UpdateStep(state with { Pending = null }, [new UpdateEffect.Refused([.. message.All<ErrorPayload>().Select(e => e.Error)])]);
    }

    private static ExchangeError Check(UpdateState state, MikeyMessage message, MikeyTime time, ExchangeContext context, params ReadOnlySpan<Octets> covered)
    {
        if (!context.IsFresh(time)) return ExchangeError.BadTimestamp;
        if (!BundleClock.IsNewer(time, state.Bundle.Newest)) return ExchangeError.Replayed;
        return message.Last is Verification && MikeyMac.IsRight(message, state.Bundle.Bundle.Keys, covered) ? ExchangeError.None : ExchangeError.MacMismatch;
    }

    private static RoleIdentity[] Names(CryptoBundle bundle) =>
        [new(IdentityRole.Initiator, bundle.Initiator), new(IdentityRole.Responder, bundle.Responder)];

    private static UpdateStep Unacceptable(UpdateState state, ExchangeError error) => new(state, [new UpdateEffect.Unacceptable(error)]);

    private static UpdateStep Ignore(UpdateState state, ExchangeError error) => new(state, [new UpdateEffect.Ignored(error)]);
}
