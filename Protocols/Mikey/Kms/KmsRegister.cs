using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Security.Cryptography;
using ConfCluster.Protocols.Mikey.Certificates;
using ConfCluster.Protocols.Mikey.Exchanges;
using ConfCluster.Protocols.Mikey.Payloads;
using ConfCluster.Protocols.Wire;

namespace ConfCluster.Protocols.Mikey.Kms;

/// <summary>What a KMS grants.</summary>
/// <param name="MaxValidity">Of a ticket.</param>
/// <param name="KeyPeriod">How long new tickets are under one ticket protection key.</param>
public sealed record KmsRules(Identity Self, TimeSpan MaxValidity, TimeSpan KeyPeriod)
{
    /// <summary>IDRr payloads in one ticket.</summary>
    public const int MaxResponders = 16;
}

/// <summary>
/// The ticket protection keys: one per period, derived from the KMS's key, so that every node that has that key opens every ticket and none is stored
/// (PRF HMAC-SHA-256). Tickets name the period. Owns the keys.
/// </summary>
public sealed class TicketProtectionKeys(SecretBytes key, TimeSpan period) : IDisposable
{
    private const int NameLength = 8;
    private readonly Dictionary<long, SecretBytes> _keys = [];

    private static ReadOnlySpan<byte> Label => "confcluster ticket protection key 1"u8;

    public (Octets Name, SecretBytes Key) At(DateTimeOffset time)
    {
        var number = time.UtcTicks / period.Ticks;
        Span<byte> name = stackalloc byte[NameLength];
        BinaryPrimitives.WriteInt64BigEndian(name, number);
        return (Octets.CopyOf(name), Of(number));
    }

    /// <summary>Null: no name of ours, or of a time whose tickets have run out.</summary>
    public SecretBytes? Find(Octets? name, DateTimeOffset now, TimeSpan validity)
    {
        if (name is not { Length: NameLength } n) return null;
        var number = BinaryPrimitives.ReadInt64BigEndian(n.Span);
        var newest = now.UtcTicks / period.Ticks;
        return number <= newest + 1 && number >= newest - 1 - validity.Ticks / period.Ticks ? Of(number) : null;
    }

    public void Dispose()
    {
        foreach (var made in _keys.Values) made.Dispose();
    }

    private SecretBytes Of(long number)
    {
        if (_keys.TryGetValue(number, out var known)) return known;
        var input = new byte[Label.Length + NameLength];
        Label.CopyTo(input);
        BinaryPrimitives.WriteInt64BigEndian(input.AsSpan(Label.Length), number);
        return _keys[number] = SecretBytes.Create(HMACSHA256.HashSizeInBytes, span => HMACSHA256.HashData(key.Reveal(), input, span));
    }
}

/// <summary>A KMS at a moment: its users, its rules and its keys, none of which it owns. Not for two threads at once.</summary>
public sealed class KmsRegister(KmsUserTable users, KmsRules rules, TicketProtectionKeys keys, DateTimeOffset now, KmsCertificates? certificates = null) : IKmsRegister
{
    /// <summary>What a ticket of ours says whatever was asked: ours, resolved by us, answered, one use, RANDRi in the derivation.</summary>
    private const TicketFlags Always = TicketFlags.ByKms | TicketFlags.ResolveAtKms | TicketFlags.Answered;

    private const TicketFlags AsAsked = TicketFlags.InitiatorRand | TicketFlags.ResponderRand | TicketFlags.Forking
        | TicketFlags.InitiatorKeys | TicketFlags.ResponderKeys | TicketFlags.PlainInitiator | TicketFlags.PlainResponder;

    public Identity Self => rules.Self;

    public (Octets Name, SecretBytes Tpk) TpkForNew => keys.At(now);

    public SecretBytes? PskOf(Identity? user, Octets? pskName) => user is { } u ? Known(u)?.Psk : null;

    public KmsCertificates? Certificates => certificates;

    /// <summary>Who has a key is not let in by a certificate, which somebody else may have issued.</summary>
    public bool TakesCertificateOf(Identity user) => Known(user) is { Psk: null };

    public bool Speaks(Identity user, Octets? pskName) => pskName is null || pskName == user.Name;

    public SecretBytes? TpkOf(Octets? name) => keys.Find(name, now, rules.MaxValidity);

    public TicketPolicy? Grant(Identity initiator, TicketPolicy wanted)
    {
        ArgumentNullException.ThrowIfNull(wanted);
        var responders = wanted.Responders.ToImmutableArray();
        var named = wanted.Initiator ?? initiator;
        // Whoever answers for a name may call in it, too (DECISIONS 352).
        if (named != initiator && !(named.Type == IdentityType.Uri && Known(initiator)?.AnswersFor(named.ToString()) == true)) return null;
        if (responders.Length is 0 or > KmsRules.MaxResponders || responders.Any(r => r.Type != IdentityType.Uri)) return null;
        var end = now + rules.MaxValidity;
        if (wanted.TimeOf(TimestampRole.End)?.ToTime() is { } asked && asked < end) end = asked;
        var flags = (wanted.Flags & AsAsked) | Always;
        if (flags != (wanted.Flags & ~TicketFlags.Changed)) flags |= TicketFlags.Changed;
        var granted = wanted with
        {
            Flags = flags,
            Reserved = 0,
            Contents = new(
            [
                new RoleIdentity(IdentityRole.Kms, rules.Self), new RoleIdentity(IdentityRole.Initiator, named),
                new RoleTimestamp(TimestampRole.Start, MikeyTime.SecondsAt(now - ClockSkew)), new RoleTimestamp(TimestampRole.End, MikeyTime.SecondsAt(end)),
                .. wanted.Applications.Select(a => new RoleIdentity(IdentityRole.Application, a)),
                .. responders.Select(r => new RoleIdentity(IdentityRole.Responder, r)),
            ]),
        };
        return granted.Flags.AreSound() ? granted : null;
    }

    /// <summary>A ticket dies with whoever asked for it, or with the last who answers for that name.</summary>
    public Identity? Answers(Identity responder, TicketPolicy policy)
    {
        ArgumentNullException.ThrowIfNull(policy);
        if (policy.Initiator is not { } initiator || !HasUser(initiator) || Known(responder) is not { } user) return null;
        foreach (var allowed in policy.Responders)
            if (allowed.Type == IdentityType.Uri && user.AnswersFor(allowed.ToString()))
                return allowed;
        return null;
    }

    private static readonly TimeSpan ClockSkew = TimeSpan.FromMinutes(1);

    private bool HasUser(Identity name) => Known(name) is not null
        || name.Type == IdentityType.Uri && users.Users.Any(u => !u.IsRevoked && u.AnswersFor(name.ToString()));

    private KmsUser? Known(Identity identity) =>
        identity.Type == IdentityType.Uri && users.Find(identity.ToString()) is { IsRevoked: false } user ? user : null;
}
