using System.Collections.Immutable;
using ConfCluster.Protocols.Mikey.Certificates;
using ConfCluster.Protocols.Mikey.Payloads;
using ConfCluster.Protocols.Wire;

namespace ConfCluster.Protocols.Mikey.Exchanges;

/// <summary>What a KMS knows; all of it may be asked again and again. Keys stay the register's.</summary>
public interface IKmsRegister
{
    Identity Self { get; }

    /// <summary>Null: nobody, or somebody who was struck off.</summary>
    SecretBytes? PskOf(Identity? user, Octets? pskName);

    /// <summary>For users with certificates; null: there are none.</summary>
    KmsCertificates? Certificates => null;

    /// <summary>Whether a certificate of that name is enough.</summary>
    bool TakesCertificateOf(Identity user) => false;

    /// <summary>Whose pre-shared key this is: a user speaks for himself alone.</summary>
    bool Speaks(Identity user, Octets? pskName);

    /// <summary>The ticket protection key of that name; null when it is gone.</summary>
    SecretBytes? TpkOf(Octets? name);

    /// <summary>The key for new tickets.</summary>
    (Octets Name, SecretBytes Tpk) TpkForNew { get; }

    /// <summary>The policy that is granted, null for none.</summary>
    TicketPolicy? Grant(Identity initiator, TicketPolicy wanted);

    /// <summary>The name in the ticket's policy that this Responder answers for, null for none.</summary>
    Identity? Answers(Identity responder, TicketPolicy policy);
}

/// <summary>What came of a message to the KMS. <paramref name="Response"/>: what to send, an Error message too; null: nothing.</summary>
/// <param name="User">Who asked; null until that is proven.</param>
public sealed record KmsAnswer(Octets? Response, ExchangeError Error, Identity? User, Ticket? Ticket);

/// <summary>
/// The KMS's side of Ticket Request and Ticket Resolve with pre-shared keys or certificates (RFC 6043 §4.2.1.4, §4.2.3.4). It keeps nothing but the replay
/// cache: whoever knows the ticket protection keys can answer.
/// </summary>
public static class KmsServer
{
    public static KmsAnswer Answer(Octets received, IKmsRegister register, ReplayCache replays, ExchangeContext context)
    {
        ArgumentNullException.ThrowIfNull(register);
        ArgumentNullException.ThrowIfNull(replays);
        if (!MikeyReader.TryRead(received.Span, out var init, out _)) return new KmsAnswer(null, ExchangeError.Malformed, null, null);
        var type = init!.Header.Type;
        var isRequest = type is MessageType.RequestInitPsk or MessageType.RequestInitPk;
        if (!isRequest && type is not (MessageType.ResolveInitPsk or MessageType.ResolveInitPk)) return Unproven(init, ExchangeError.UnexpectedMessage, context);
        if (MikeySuite.Of(init.Header.Prf) is not { } suite) return Unproven(init, ExchangeError.UnsupportedAlgorithm, context);
        if (init.First<Timestamp>() is not { } t || init.RandOf(isRequest ? RandRole.Initiator : RandRole.Responder) is not { } rand)
            return Unproven(init, ExchangeError.MissingPayload, context);
        if (init.IdentityOf(isRequest ? IdentityRole.Initiator : IdentityRole.Responder) is not { } user) return Unproven(init, ExchangeError.MissingPayload, context);
        if (init.IdentityOf(IdentityRole.Kms) is { } kms && kms != register.Self) return Unproven(init, ExchangeError.WrongParty, context);

        // RFC 3830 §5.3: the cheap checks first, and nobody learns who exists: an unknown user and a wrong MAC look the same.
        if (replays.Accepts(t.Time, received, context.Now) is var stale and not ExchangeError.None) return Unproven(init, stale, context);
        var error = type is MessageType.RequestInitPk or MessageType.ResolveInitPk
            ? Certified(init, user, suite, register, context, out var secret)
            : PreShared(init, user, suite, isRequest, rand, register, out secret);
        if (error != ExchangeError.None) return Unproven(init, error, context);
        using var key = secret!;
        replays.Commit(t.Time, received, context.Now);
        using var initKeys = MessageKeys.Derive(suite, key, KmsClient.Label(init.CsbId, false, isRequest, rand));
        if (rand.Length < Math.Max(suite.KeyLength, key.Length)) return Refuse(init, ExchangeError.TooShort, user, null, initKeys, context);

        using var keys = MessageKeys.Derive(suite, key, KmsClient.Label(init.CsbId, true, isRequest, rand));
        error = isRequest
            ? Grant(init, user, suite, register, context, keys, out var body, out var ticket)
            : Resolve(init, user, suite, register, context, keys, out body, out ticket);
        if (error != ExchangeError.None) return Refuse(init, error, user, ticket, initKeys, context);

        // RFC 6043 §4.2.1.5: V is 0, the rest of HDR as it came; the MAC goes over the whole request too.
        var header = init.Header with { Type = isRequest ? MessageType.RequestResponse : MessageType.ResolveResponse, V = false };
        var response = MikeyMac.Seal(new MikeyMessage(header, new ListOf<MikeyPayload>(body)), keys, received);
        return new KmsAnswer(MikeyWriter.Write(response), ExchangeError.None, user, ticket);
    }

    /// <summary>RFC 6043 §4.2.1.2. The caller owns the key.</summary>
    private static ExchangeError PreShared(
        MikeyMessage init, Identity user, MikeySuite suite, bool isRequest, Octets rand, IKmsRegister register, out SecretBytes? secret)
    {
        secret = null;
        var name = init.IdentityOf(IdentityRole.PreSharedKey)?.Name;
        if (!register.Speaks(user, name) || register.PskOf(user, name) is not { } psk) return ExchangeError.MacMismatch;
        using var keys = MessageKeys.Derive(suite, psk, KmsClient.Label(init.CsbId, false, isRequest, rand));
        if (!MikeyMac.IsRight(init, keys, user.Name, register.Self.Name)) return ExchangeError.MacMismatch;
        secret = psk.Copy();
        return ExchangeError.None;
    }

    /// <summary>RFC 6043 §4.2.1.3: who signed first, and only then the private key is used. The caller owns the key.</summary>
    private static ExchangeError Certified(
        MikeyMessage init, Identity user, MikeySuite suite, IKmsRegister register, ExchangeContext context, out SecretBytes? secret)
    {
        secret = null;
        if (register.Certificates is not { } certificates) return ExchangeError.UnexpectedMessage;
        var error = certificates.Check(init, user, register.Self, context.Now);
        if (error == ExchangeError.None && !register.TakesCertificateOf(user)) error = ExchangeError.MacMismatch;
        if (error == ExchangeError.None) secret = certificates.Envelope(init, suite.KeyLength, context.Random);
        return error;
    }

    private static ExchangeError Grant(
        MikeyMessage init, Identity user, MikeySuite suite, IKmsRegister register, ExchangeContext context, MessageKeys keys,
        out ImmutableArray<MikeyPayload> body, out Ticket? ticket)
    {
        (body, ticket) = ([], null);
        if (init.First<WantedTicket>() is not { } wanted) return ExchangeError.MissingPayload;
        if (TicketRules.Check(wanted.Policy, context.Now) is var wrong and not ExchangeError.None) return wrong;
        if (wanted.Policy.Prf != init.Header.Prf) return ExchangeError.UnsupportedAlgorithm;
        if (register.Grant(user, wanted.Policy) is not { } policy) return ExchangeError.NotAuthorised;

        // RFC 6043 §6.10: no KEMAC in the granted policy; D is 1 since the KMS makes the ticket.
        policy = policy with { Contents = new([.. policy.Contents.Items.Where(p => p is not Kemac)]), Flags = policy.Flags | TicketFlags.ByKms };
        if (!TryMake(wanted.Policy.Wish, suite, context, out var made)) return ExchangeError.BadKeys;
        using (made)
        {
            var time = MikeyTime.At(context.Now);
            var (name, tpk) = register.TpkForNew;
            ticket = BaseTicket.Create(policy, tpk, name, time, made!.Rand, made);
            var transported = made.ForInitiator(policy);
            body = [new Timestamp(time), new RoleIdentity(IdentityRole.Kms, register.Self), ticket, KeyTransport.Seal(keys, init.CsbId, time, transported.AsSpan())];
            foreach (var key in transported) key.Dispose();
        }

        return ExchangeError.None;
    }

    private static ExchangeError Resolve(
        MikeyMessage init, Identity user, MikeySuite suite, IKmsRegister register, ExchangeContext context, MessageKeys keys,
        out ImmutableArray<MikeyPayload> body, out Ticket? ticket)
    {
        body = [];
        ticket = init.First<Ticket>();
        if (ticket is null) return ExchangeError.MissingPayload;
        if (TicketRules.Check(ticket.Policy, context.Now) is var wrong and not ExchangeError.None) return wrong;
        if (ticket.Policy.Prf != init.Header.Prf) return ExchangeError.UnsupportedAlgorithm;
        if (register.TpkOf(BaseTicket.TpkName(ticket)) is not { } tpk || !BaseTicket.TryOpen(ticket, tpk, out var opened)) return ExchangeError.BadTicket;
        using (opened)
        {
            // The MAC of the ticket is right, so its policy is what we granted.
            if (register.Answers(user, ticket.Policy) is not { } answering) return ExchangeError.NotAuthorised;
            var forks = ticket.Policy.Has(TicketFlags.Forking);
            if (forks && !InitiatorProofs.IsRight(ticket, opened!)) return ExchangeError.BadTicket;
            var time = MikeyTime.At(context.Now);
            (Identity, Octets)? modifier = forks ? (answering, context.Rand(Math.Max(suite.KeyLength, opened!.LongestKey))) : null;
            var transported = opened!.ForResponder(ticket.Policy, modifier);
            body = [new Timestamp(time), new RoleIdentity(IdentityRole.Kms, register.Self), KeyTransport.Seal(keys, init.CsbId, time, transported.AsSpan())];
            if (modifier is var (responder, rand)) body = [.. body, new RoleIdentity(IdentityRole.Responder, responder), new RoleRand(RandRole.Kms, rand)];
            foreach (var key in transported) key.Dispose();
        }

        return ExchangeError.None;
    }

    /// <summary>The keys that were wished for, in type, length and SPI; without a wish one TGK (RFC 6043 §4.2.1.5).</summary>
    private static bool TryMake(Kemac? wish, MikeySuite suite, ExchangeContext context, out TicketKeys? made)
    {
        made = null;
        ImmutableArray<TransportedKey> wished = [];
        if (wish is not null && !KeyTransport.TryOpen(wish, out wished)) return false;
        var isSound = wished.All(k => k.Type != KeyType.Mpk && !k.Spi.IsEmpty && k.Key.Length >= suite.KeyLength && k.Key.Length <= 64 && k.Salt?.Length is null or <= 64)
            && wished.Length <= 32;
        if (isSound)
        {
            SecretBytes Random(int length) => SecretBytes.Create(length, context.Random);
            ImmutableArray<TransportedKey> keys = wish is null
                ? [new TransportedKey(KeyType.Tgk, Random(suite.KeyLength), null, new KeyValidity.Named(Octets.CopyOf([0, 0, 0, 1])))]
                : [.. wished.Select(k => new TransportedKey(k.Type, Random(k.Key.Length), k.Salt is { } s ? Random(s.Length) : null, k.Validity))];
            var mpk = new TransportedKey(KeyType.Mpk, Random(suite.KeyLength), null, new KeyValidity.Named(Octets.CopyOf([0, 0, 0, 0])));

            // RFC 6043 §12.1: the RAND of the ticket is as long as the longest of TPK and MPK.
            made = new TicketKeys(mpk, keys, context.Rand(32));
        }

        foreach (var key in wished) key.Dispose();
        return isSound;
    }

    private static KmsAnswer Refuse(MikeyMessage init, ExchangeError error, Identity user, Ticket? ticket, MessageKeys keys, ExchangeContext context) =>
        new(MikeyWriter.Write(MikeyMac.Seal(Error(init, error, context), keys)), error, user, ticket);

    /// <summary>Who asks is not proven, so neither is the answer: an Error message without V.</summary>
    private static KmsAnswer Unproven(MikeyMessage init, ExchangeError error, ExchangeContext context) =>
        new(init.Header.Type == MessageType.Error ? null : MikeyWriter.Write(Error(init, error, context)), error, null, null);

    /// <summary>RFC 6043 §5.4: version, PRF and CSB ID as they came, V 0, a fresh timestamp.</summary>
    private static MikeyMessage Error(MikeyMessage init, ExchangeError error, ExchangeContext context) => new(
        new MikeyHeader(MessageType.Error, V: false, init.Header.Prf, init.CsbId, new CsIdMap.Empty()),
        new Timestamp(MikeyTime.At(context.Now)), new ErrorPayload(error.ToNumber()));
}
