using ConfCluster.Protocols.Mikey;
using ConfCluster.Protocols.Mikey.Exchanges;
using ConfCluster.Protocols.Mikey.Payloads;
using ConfCluster.Protocols.Wire;

namespace ConfCluster.Protocols.Tests.Mikey;

/// <summary>A KMS with two users, alice and bob, and a clock and a random source that can be repeated.</summary>
internal sealed class KmsScene : IKmsRegister
{
    private readonly MikeySuite _suite;
    private readonly SecretBytes _tpk;
    private readonly Dictionary<Identity, (Octets Name, SecretBytes Psk)> _users = [];
    private byte _random;

    public KmsScene(MikeySuite suite)
    {
        _suite = suite;
        _tpk = Key(0x50);
        _users[Alice] = (Octets.CopyOf([1]), Key(0x10));
        _users[Bob] = (Octets.CopyOf([2]), Key(0x30));
        _users[Room] = (Octets.CopyOf([4]), Key(0x90));
        _users[Eve] = (Octets.CopyOf([3]), Key(0x70));
    }

    public static Identity Alice { get; } = Identity.Uri("sip:alice@example.com");

    public static Identity Bob { get; } = Identity.Uri("sip:bob@example.com");

    public static Identity Eve { get; } = Identity.Uri("sip:eve@example.com");

    /// <summary>A conference, whose focus is the user.</summary>
    public static Identity Room { get; } = Identity.Uri("sip:room@example.com");

    public Identity Self { get; } = Identity.Uri("sip:kms@example.com");

    public DateTimeOffset Now { get; set; } = new(2026, 11, 27, 12, 0, 0, TimeSpan.Zero);

    public ReplayCache Replays { get; } = new(4096, TimeSpan.FromMinutes(1));

    public HashSet<Identity> Struck { get; } = [];

    public (Octets Name, SecretBytes Tpk) TpkForNew => (Octets.CopyOf([9]), _tpk);

    public ExchangeContext Context => new(Now, Fill, TimeSpan.FromMinutes(1));

    public KmsCredential Of(Identity user) => new(user, Self, _users[user].Psk, _users[user].Name);

    public SecretBytes? PskOf(Identity? user, Octets? pskName) => user is { } u && !Struck.Contains(u) && _users.TryGetValue(u, out var found) ? found.Psk : null;

    public bool Speaks(Identity user, Octets? pskName) => _users.TryGetValue(user, out var found) && (pskName is null || pskName == found.Name);

    public SecretBytes? TpkOf(Octets? name) => name == TpkForNew.Name ? _tpk : null;

    public TicketPolicy? Grant(Identity initiator, TicketPolicy wanted) => wanted.Initiator == initiator ? wanted : null;

    public Identity? Answers(Identity responder, TicketPolicy policy) => policy.Responders.Contains(responder) ? responder : null;

    public KmsAnswer Answer(Octets message) => KmsServer.Answer(message, this, Replays, Context);

    public TicketPolicy Policy(TicketFlags more = TicketFlags.None, params ReadOnlySpan<TransportedKey> wish) => new(
        TicketKind.BaseTicket, _suite.Prf,
        TicketFlags.ByKms | TicketFlags.ResolveAtKms | TicketFlags.Answered | TicketFlags.InitiatorRand | TicketFlags.InitiatorKeys | TicketFlags.ResponderKeys
        | TicketFlags.PlainInitiator | TicketFlags.PlainResponder | more,
        0,
        new(
        [
            new RoleIdentity(IdentityRole.Kms, Self), new RoleIdentity(IdentityRole.Initiator, Alice),
            new RoleTimestamp(TimestampRole.Start, MikeyTime.SecondsAt(Now.AddHours(-1))), new RoleTimestamp(TimestampRole.End, MikeyTime.SecondsAt(Now.AddHours(1))),
            .. wish.IsEmpty ? Array.Empty<MikeyPayload>() : [KeyTransport.Wish(wish)],
            new RoleIdentity(IdentityRole.Responder, Bob),
        ]));

    public TransportedKey Wished(KeyType type, byte spi) => new(
        type, SecretBytes.Create(_suite.KeyLength, _ => { }), type.HasSalt() ? SecretBytes.Create(14, _ => { }) : null, new KeyValidity.Named(Octets.CopyOf([0, 0, 0, spi])));

    /// <summary>A request of alice, or of somebody else, and its answer: the ticket and the keys.</summary>
    public GrantedKeys Granted(TicketPolicy policy, Identity? by = null)
    {
        var who = by ?? Alice;
        if (who != Alice) policy = policy with { Contents = new([.. policy.Contents.Select(c => c is RoleIdentity { Role: IdentityRole.Initiator } i ? i with { Identity = who } : c)]) };
        var step = KmsClient.Request(policy, Of(who), Context);
        return Keys(KmsClient.Next(step.State, Answer(Sent(step)).Response!.Value, Context));
    }

    public static Octets Sent(KmsClientStep step) => step.Effects.OfType<KmsClientEffect.Send>().Single().Message;

    public static GrantedKeys Keys(KmsClientStep step) => step.Effects.OfType<KmsClientEffect.Received>().Single().Keys;

    private void Fill(Span<byte> span)
    {
        for (var i = 0; i < span.Length; i++) span[i] = (byte)(_random * 13 + i * 7 + 1);
        _random++;
    }

    private SecretBytes Key(byte first) => SecretBytes.Create(_suite.KeyLength, s =>
    {
        for (var i = 0; i < s.Length; i++) s[i] = (byte)(first + i);
    });
}
