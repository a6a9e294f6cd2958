using System.Collections.Immutable;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Mikey;
using ConfCluster.Protocols.Mikey.Exchanges;
using ConfCluster.Protocols.Mikey.Payloads;
using ConfCluster.Protocols.Srtp;
using ConfCluster.Protocols.Wire;

namespace ConfCluster.Protocols.KeyManagement;

/// <summary>
/// Group keys that the KMS makes on request of the focus: GTGKs of a Ticket Request (RFC 6043 §4.2.1.1, §6.2.1), one for each epoch, from which the master
/// keys of all suites are derived as TEKs are (RFC 6043 §5.1.3). The focus is the ticket's only party; it tells the keys on by itself (DECISIONS 262).
/// </summary>
public static class KmsGroupKey
{
    /// <summary>Of one request.</summary>
    public const int MaxKeys = 16;

    /// <summary>As strong as the strongest suite.</summary>
    private const int KeyLength = 32;

    private const TicketFlags Flags = TicketFlags.ByKms | TicketFlags.ResolveAtKms | TicketFlags.Answered | TicketFlags.InitiatorRand
        | TicketFlags.PlainInitiator | TicketFlags.PlainResponder;

    private static readonly MikeySuite Suite = MikeySuite.Aes256;

    /// <summary>The ticket that is asked for, with a wish for so many GTGKs.</summary>
    public static TicketPolicy Wanted(Identity self, int count)
    {
        ImmutableArray<TransportedKey> wish = [.. Enumerable.Range(1, Math.Min(count, MaxKeys)).Select(Wish)];
        var kemac = KeyTransport.Wish(wish.AsSpan());
        foreach (var key in wish) key.Dispose();
        return new TicketPolicy(
            TicketKind.BaseTicket, Suite.Prf, Flags, 0,
            new([new RoleIdentity(IdentityRole.Initiator, self), new RoleIdentity(IdentityRole.Responder, self), kemac]));
    }

    /// <summary>The GTGKs that were granted, as copies that the caller owns; other keys are left out.</summary>
    public static ImmutableArray<SecretBytes> Of(GrantedKeys granted)
    {
        ArgumentNullException.ThrowIfNull(granted);
        return [.. granted.Keys.Where(k => k.Type is KeyType.Gtgk or KeyType.GtgkWithSalt && k.Key.Length >= KeyLength).Select(k => k.Key.Copy())];
    }

    /// <summary>
    /// The keys of an epoch. CS ID is the suite's place in the list of all; RANDRi is the focus's, so that the KMS's key alone opens no packet (RFC 6043
    /// §5.1.3 with H = 1 and G = 0).
    /// </summary>
    /// <param name="gtgk">Borrowed.</param>
    public static GroupKey Derive(SecretBytes gtgk, Octets rand, KeyEpoch epoch, IEnumerable<SrtpProfile> suites)
    {
        ArgumentNullException.ThrowIfNull(gtgk);
        ArgumentNullException.ThrowIfNull(suites);
        return GroupKey.Of(epoch, [.. suites.Select(Derived)], []);

        MasterKey Derived(SrtpProfile suite)
        {
            var label = Mikey.KeyLabel.Session(checked((byte)(SrtpProfile.All.IndexOf(suite) + 1)), rand, Octets.Empty);
            using var key = MessageKeys.Derive(Suite.Prf, gtgk, KeyPurpose.Tek, label, suite.KeyLength);
            using var salt = MessageKeys.Derive(Suite.Prf, gtgk, KeyPurpose.SessionSalt, label, suite.SaltLength);
            var both = SecretBytes.Create(suite.MasterLength, span =>
            {
                key.Reveal().CopyTo(span);
                salt.Reveal().CopyTo(span[suite.KeyLength..]);
            });
            return new MasterKey(suite, both, GroupKey.MkiOf(epoch));
        }
    }

    private static TransportedKey Wish(int number) => new(
        KeyType.Gtgk, SecretBytes.CopyOf(new byte[KeyLength]), null, new KeyValidity.Named(MikeyKeys.Spi(new Mki((ulong)number, GroupKey.MkiLength))));
}
