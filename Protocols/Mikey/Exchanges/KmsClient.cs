using System.Collections.Immutable;
using ConfCluster.Protocols.Mikey.Certificates;
using ConfCluster.Protocols.Mikey.Payloads;
using ConfCluster.Protocols.Wire;

namespace ConfCluster.Protocols.Mikey.Exchanges;

/// <summary>Where a Ticket Request or a Ticket Resolve stands.</summary>
public abstract record KmsClientState
{
    private KmsClientState()
    {
    }

    /// <summary>The request is out. Owns its copy of the key.</summary>
    /// <param name="Key">Pre-shared, or of the envelope.</param>
    public sealed record Waiting(MikeyMessage Init, Octets Sent, Octets Rand, SecretBytes Key) : KmsClientState, IDisposable
    {
        internal bool IsRequest => Init.Header.Type is MessageType.RequestInitPsk or MessageType.RequestInitPk;

        public void Dispose() => Key.Dispose();
    }

    public sealed record Done : KmsClientState;

    public sealed record Failed(ExchangeError Error, ImmutableArray<ErrorNumber> Said) : KmsClientState;
}

/// <summary>What is to be done, in order.</summary>
public abstract record KmsClientEffect
{
    private KmsClientEffect()
    {
    }

    public sealed record Send(Octets Message) : KmsClientEffect;

    /// <summary>The receiver owns the keys.</summary>
    public sealed record Received(GrantedKeys Keys) : KmsClientEffect;

    /// <summary>Looked at and left alone: the exchange goes on waiting.</summary>
    public sealed record Ignored(ExchangeError Error) : KmsClientEffect;
}

public readonly record struct KmsClientStep(KmsClientState State, ImmutableArray<KmsClientEffect> Effects);

/// <summary>
/// A user's side of Ticket Request (RFC 6043 §4.2.1) and Ticket Resolve (RFC 6043 §4.2.3) with a pre-shared key or a certificate. A message that is not
/// authentic changes nothing, so that nobody can end the exchange but the KMS (RFC 3830 §5.1.2).
/// </summary>
public static class KmsClient
{
    /// <summary>REQUEST_INIT_PSK or REQUEST_INIT_PK. The state is the caller's to dispose.</summary>
    public static KmsClientStep Request(TicketPolicy wanted, KmsCredential credential, ExchangeContext context) =>
        Begin(true, new WantedTicket(wanted), MikeySuite.Of(wanted.Prf)!, credential, context);

    /// <summary>RESOLVE_INIT_PSK or RESOLVE_INIT_PK. The state is the caller's to dispose.</summary>
    public static KmsClientStep Resolve(Ticket ticket, KmsCredential credential, ExchangeContext context) =>
        Begin(false, ticket, MikeySuite.Of(ticket.Policy.Prf)!, credential, context);

    public static KmsClientStep Next(KmsClientState state, Octets received, ExchangeContext context)
    {
        if (state is not KmsClientState.Waiting waiting) return new KmsClientStep(state, []);
        if (!MikeyReader.TryRead(received.Span, out var message, out _)) return Ignore(state, ExchangeError.Malformed);
        var header = message!.Header;
        if (header.CsbId != waiting.Init.CsbId || header.Prf != waiting.Init.Header.Prf) return Ignore(state, ExchangeError.UnexpectedMessage);
        if (header.Type == MessageType.Error) return OnError(waiting, message, context);
        var isRequest = waiting.IsRequest;
        if (header.Type != (isRequest ? MessageType.RequestResponse : MessageType.ResolveResponse)) return Ignore(state, ExchangeError.UnexpectedMessage);
        using var keys = Keys(waiting, isResponse: true);
        if (!MikeyMac.IsRight(message, keys, waiting.Sent)) return Ignore(state, ExchangeError.MacMismatch);

        // From here on the KMS speaks: what is wrong now ends the exchange.
        var error = Open(waiting, message, keys, context, out var granted);
        return error == ExchangeError.None
            ? new KmsClientStep(new KmsClientState.Done(), [new KmsClientEffect.Received(granted!)])
            : new KmsClientStep(new KmsClientState.Failed(error, []), []);
    }

    private static KmsClientStep Begin(bool isRequest, MikeyPayload asked, MikeySuite suite, KmsCredential credential, ExchangeContext context)
    {
        var isCertified = credential.Certified is not null;
        var type = isCertified
            ? isRequest ? MessageType.RequestInitPk : MessageType.ResolveInitPk
            : isRequest ? MessageType.RequestInitPsk : MessageType.ResolveInitPsk;
        var key = isCertified ? SecretBytes.Create(suite.KeyLength, context.Random) : credential.Psk!.Copy();

        // RFC 6043 §12.1: as long as the key that it is used with.
        var rand = context.Rand(Math.Max(suite.KeyLength, key.Length));
        var payloads = ImmutableArray.Create<MikeyPayload>(
            new Timestamp(MikeyTime.At(context.Now)),
            new RoleRand(isRequest ? RandRole.Initiator : RandRole.Responder, rand),
            new RoleIdentity(isRequest ? IdentityRole.Initiator : IdentityRole.Responder, credential.Self));
        if (credential.Certified is { } certified) payloads = payloads.AddRange(KmsCertificates.Chain(certified));
        payloads = payloads.Add(new RoleIdentity(IdentityRole.Kms, credential.Kms)).Add(asked);
        if (credential.PskName is { } name) payloads = payloads.Add(new RoleIdentity(IdentityRole.PreSharedKey, new Identity(IdentityType.Bytes, name)));

        // RFC 6043 §4.2.1.1, §4.2.3.1: V is 1, no crypto sessions, empty map.
        var header = new MikeyHeader(type, V: true, suite.Prf, context.CsbId(), new CsIdMap.Empty());
        var open = new MikeyMessage(header, new ListOf<MikeyPayload>(payloads));
        using var keys = MessageKeys.Derive(suite, key, Label(open.CsbId, false, isRequest, rand));
        var init = credential.Certified is { } user
            ? KmsCertificates.Seal(open, user, key, context.Random, credential.Self.Name, credential.Kms.Name)
            : MikeyMac.Seal(open, keys, credential.Self.Name, credential.Kms.Name);
        var sent = MikeyWriter.Write(init);
        return new KmsClientStep(new KmsClientState.Waiting(init, sent, rand, key), [new KmsClientEffect.Send(sent)]);
    }

    private static KmsClientStep OnError(KmsClientState.Waiting waiting, MikeyMessage message, ExchangeContext context)
    {
        // RFC 6043 §5.4: under the auth_key of the message where the error occurred, which is ours.
        using var keys = Keys(waiting, isResponse: false);
        if (!MikeyMac.IsRight(message, keys)) return Ignore(waiting, ExchangeError.MacMismatch);
        if (message.First<Timestamp>() is not { } t || !context.IsFresh(t.Time)) return Ignore(waiting, ExchangeError.BadTimestamp);
        return new KmsClientStep(new KmsClientState.Failed(ExchangeError.RefusedByPeer, [.. message.All<ErrorPayload>().Select(e => e.Error)]), []);
    }

    private static ExchangeError Open(
        KmsClientState.Waiting waiting, MikeyMessage message, MessageKeys keys, ExchangeContext context, out GrantedKeys? granted)
    {
        granted = null;
        if (message.First<Timestamp>() is not { } t || message.First<Kemac>() is not { } kemac) return ExchangeError.MissingPayload;
        if (!context.IsFresh(t.Time)) return ExchangeError.BadTimestamp;
        var isRequest = waiting.IsRequest;
        if ((isRequest ? message.First<Ticket>() : waiting.Init.First<Ticket>()) is not { } ticket) return ExchangeError.MissingPayload;
        if (TicketRules.Check(ticket.Policy, context.Now) is var wrong and not ExchangeError.None) return wrong;
        if (!KeyTransport.TryOpen(kemac, keys, message.CsbId, t.Time, out var transported)) return ExchangeError.BadKeys;
        granted = GrantedKeys.Of(ticket, transported, isRequest ? null : (message.IdentityOf(IdentityRole.Responder), message.RandOf(RandRole.Kms)));
        if (granted is not null) return ExchangeError.None;
        foreach (var key in transported) key.Dispose();
        return ExchangeError.BadKeys;
    }

    private static MessageKeys Keys(KmsClientState.Waiting w, bool isResponse) => MessageKeys.Derive(
        MikeySuite.Of(w.Init.Header.Prf)!, w.Key, Label(w.Init.CsbId, isResponse, w.IsRequest, w.Rand));

    /// <summary>RFC 6043 §5.1.2: RANDRi in a request, RANDRr alone in a resolve.</summary>
    internal static Octets Label(uint csbId, bool isResponse, bool isRequest, Octets rand) =>
        KeyLabel.Message(csbId, isResponse, isRequest ? rand : Octets.Empty, isRequest ? Octets.Empty : rand);

    private static KmsClientStep Ignore(KmsClientState state, ExchangeError error) => new(state, [new KmsClientEffect.Ignored(error)]);
}
