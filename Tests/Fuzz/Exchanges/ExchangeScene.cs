using System.Collections.Immutable;
using System.Security.Cryptography;
using ConfCluster.Protocols.Mikey;
using ConfCluster.Protocols.Mikey.Exchanges;
using ConfCluster.Protocols.Mikey.Kms;
using ConfCluster.Protocols.Mikey.Payloads;
using ConfCluster.Protocols.Wire;

namespace ConfCluster.Fuzz.Exchanges;

/// <summary>
/// Alice, a room and their KMS in the middle of every exchange: each waits for one message, and the honest one is known. Time and randomness are the same
/// in every run, so that committed messages stay honest.
/// </summary>
internal sealed class ExchangeScene : IDisposable
{
    private static readonly DateTimeOffset Now = new(2026, 11, 29, 12, 0, 0, TimeSpan.Zero);
    private static readonly TimeSpan Skew = TimeSpan.FromMinutes(1);
    private static readonly Identity Kms = Identity.Uri("sip:kms@example.com");
    private static readonly Identity Alice = Identity.Uri("sip:alice@example.com");
    private static readonly Identity Room = Identity.Uri("sip:room@example.com");

    private readonly List<IDisposable> _kept = [];
    private readonly MikeySuite _suite;
    private readonly KmsRegister _register;
    private readonly KmsCredential _alice;
    private readonly KmsCredential _room;
    private readonly PreSharedTerms _terms;
    private uint _draws;

    public ExchangeScene(MikeySuite suite, bool forks)
    {
        _suite = suite;
        var (master, psk, other) = (Kept(Key(1)), Kept(Key(2)), Kept(Key(3)));
        var users = Kept(KmsUserTable.Empty.With(new KmsUser(Alice.ToString(), psk.Copy(), [], false)).With(new KmsUser(Room.ToString(), other.Copy(), [], false)));
        _register = new KmsRegister(users, new KmsRules(Kms, TimeSpan.FromHours(1), TimeSpan.FromHours(24)), Kept(new TicketProtectionKeys(master, TimeSpan.FromHours(24))), Now);
        (_alice, _room) = (new KmsCredential(Alice, Kms, psk, null), new KmsCredential(Room, Kms, other, null));

        var request = KmsClient.Request(Policy(forks), _alice, Context);
        var requested = Sent(request);
        var response = KmsServer.Answer(requested, _register, Replays, Context).Response!.Value;
        var granted = Kept(((KmsClientEffect.Received)KmsClient.Next(request.State, response, Context).Effects[0]).Keys);
        var tek = Kept(Tek(1));
        var transfer = TicketTransfer.Begin(granted, Alice, Room, Terms(default, tek, (0x1111, tek.Spi), (null, Octets.Empty)), Context);
        var init = ((TransferEffect.Send)transfer.Effects[0]).Message;
        TransferArrival.TryRead(init, null, Context, out var arrival);
        var resolve = KmsClient.Resolve(arrival!.Ticket, _room, Context);
        var resolving = Sent(resolve);
        var resolved = KmsServer.Answer(resolving, _register, Replays, Context).Response!.Value;
        var opened = Kept(((KmsClientEffect.Received)KmsClient.Next(resolve.State, resolved, Context).Effects[0]).Keys);
        arrival.Verify(opened, Replays, Context, out var verified);
        Kept(verified!);
        var answering = Kept(Tek(2));
        var (bundle, answer) = verified!.Answer(Room, Terms(default, answering, (0x1111, tek.Spi), (0, answering.Spi)) with { Policies = default }, Context);
        var done = (TransferState.Done)TicketTransfer.Next(transfer.State, answer, Context).State;
        Kept(bundle.Bundle);
        Kept(done.Bundle.Bundle);
        var next = Kept(Tek(3));
        var update = CsbUpdate.Begin(new UpdateState(bundle), Terms(default, next, (0x1111, tek.Spi), (0, next.Spi)) with { Policies = default }, Context);
        var updating = ((UpdateEffect.Send)update.Effects[0]).Message;
        var taken = CsbUpdate.Next(new UpdateState(done.Bundle), updating, Context);
        var updated = (UpdateEffect.Updated)taken.Effects[0];
        var sessions = ((CsIdMap.Generic)updated.Init.Header.Map).Sessions;
        var confirmed = ((UpdateEffect.Send)CsbUpdate.Answer(taken.State, updated, new SessionTerms(sessions, default, []), Context).Effects[0]).Message;

        _terms = new PreSharedTerms(_suite, psk, Alice, Room, new([new SrtpSession(0, 1, 0), new SrtpSession(0, 0, 0)]), new([SrtpPolicy.AesCm128Tag80.ToPayload(0)]), [tek]);
        var (preShared, first) = PreSharedExchange.Begin(_terms, wantsAnswer: true, Context);
        var arrived = PreSharedExchange.Receive(first, Room, _ => psk, Replays, Context);
        Drop(arrived.Keys);
        var received = arrived.Init!;
        var verification = PreSharedExchange.Verify(received, psk, _terms.Sessions)!.Value;
        var (hers, his) = (Kept(PreSharedBundle.Of(((PreSharedState.Waiting)preShared).Init, psk, BundleRole.Initiator)), Kept(arrived.Bundle!));
        var (updatingHis, rekeying) = PreSharedUpdate.Begin(his, _terms.Sessions, default, [next], default, Context);
        var (_, rekeyed) = PreSharedUpdate.Receive(hers, rekeying, Context);
        Drop(rekeyed.Keys);
        var confirming = PreSharedUpdate.Answer(hers, rekeyed.Init!, _terms.Sessions)!.Value;

        Octets Names(MikeyMessage m, IdentityRole role) => m.IdentityOf(role)?.Name ?? Octets.Empty;
        Octets Rand(MikeyMessage m, RandRole role) => m.RandOf(role) ?? Octets.Empty;
        Machines =
        [
            new("Ticket Request", requested, m => KmsServer.Answer(m, _register, Replays, Context).Error == ExchangeError.None,
                m => Seal(m, psk, KeyLabel.Message(m.CsbId, false, Rand(m, RandRole.Initiator), Octets.Empty), Names(m, IdentityRole.Initiator), Kms.Name)),
            new("its answer", response, m => Over(KmsClient.Next(request.State, m, Context)),
                m => Seal(m, psk, KeyLabel.Message(m.CsbId, true, Rand(Read(requested), RandRole.Initiator), Octets.Empty), requested)),
            new("Ticket Resolve", resolving, m => KmsServer.Answer(m, _register, Replays, Context).Error == ExchangeError.None,
                m => Seal(m, other, KeyLabel.Message(m.CsbId, false, Octets.Empty, Rand(m, RandRole.Responder)), Names(m, IdentityRole.Responder), Kms.Name)),
            new("its answer", resolved, m => Over(KmsClient.Next(resolve.State, m, Context)),
                m => Seal(m, other, KeyLabel.Message(m.CsbId, true, Octets.Empty, Rand(Read(resolving), RandRole.Responder)), resolving)),
            new("Ticket Transfer", init, m => Arrives(m, opened), m => Proven(m, granted)),
            new("its answer", answer, m => Over(TicketTransfer.Next(transfer.State, m, Context)),
                m => Answering(m, granted, Rand(Read(init), RandRole.Initiator), init)),
            new("CSB update", updating, m => Over(CsbUpdate.Next(new UpdateState(done.Bundle), m, Context)),
                m => Bundled(m, granted, answer, Rand(Read(init), RandRole.Initiator), Alice.Name, Room.Name)),
            new("its answer", confirmed, m => Over(CsbUpdate.Next(update.State, m, Context)),
                m => Bundled(m, granted, answer, Rand(Read(init), RandRole.Initiator), updating)),
            new("RFC 3830 message", first, m => Over(PreSharedExchange.Receive(m, Room, _ => psk, Replays, Context)), m => SealKemac(m, psk)),
            new("its verification", verification, m => PreSharedExchange.Next(preShared, m).State is not PreSharedState.Waiting, m => SealAnswer(m, Read(first), psk)),
            new("its update", rekeying, m => Over(PreSharedUpdate.Receive(hers, m, Context).Arrival), m => m.Last is Kemac ? MikeyMac.SealKemac(m, hers.Keys) : null),
            new("the update's verification", confirming, m => PreSharedUpdate.Confirm(updatingHis, m).Error == ExchangeError.None,
                m => SealUpdate(m, hers.Keys, ((Timestamp)Read(rekeying).Payloads.Items[0]).Time)),
        ];
    }

    /// <summary>Each waits for <c>Honest</c>; <c>Believes</c> hands it a message; <c>Sealed</c> gives a message the MAC that its sender would have made.</summary>
    public ImmutableArray<Machine> Machines { get; }

    public sealed record Machine(string Name, Octets Honest, Func<Octets, bool> Believes, Func<MikeyMessage, MikeyMessage?> Sealed);

    private ExchangeContext Context => new(Now, Draw, Skew);

    /// <summary>Every message is the first one.</summary>
    private static ReplayCache Replays => new(8, Skew);

    public void Dispose()
    {
        foreach (var kept in _kept) kept.Dispose();
    }

    private static bool Over(KmsClientStep step)
    {
        if (step.Effects is [KmsClientEffect.Received received]) received.Keys.Dispose();
        return step.State is not KmsClientState.Waiting;
    }

    private static bool Over(TransferStep step)
    {
        if (step.State is TransferState.Done done) done.Bundle.Bundle.Dispose();
        if (step.Effects.OfType<TransferEffect.Agreed>().SingleOrDefault() is { } agreed && step.State is not TransferState.Waiting) Drop(agreed.Keys);
        return step.State is not TransferState.Waiting;
    }

    private static bool Over(UpdateStep step)
    {
        if (step.Effects[0] is UpdateEffect.Updated updated) Drop(updated.Keys);
        if (step.Effects[0] is UpdateEffect.Confirmed confirmed) Drop(confirmed.Keys);
        return step.Effects[0] is not UpdateEffect.Ignored;
    }

    private static bool Over(PreSharedArrival arrival)
    {
        arrival.Bundle?.Dispose();
        Drop(arrival.Keys);
        return arrival.Init is not null;
    }

    private static void Drop(ImmutableArray<TransportedKey> keys)
    {
        foreach (var key in keys) key.Dispose();
    }

    private bool Arrives(Octets message, GrantedKeys opened)
    {
        if (TransferArrival.TryRead(message, null, Context, out var arrival) != ExchangeError.None) return false;
        if (arrival!.Verify(opened, Replays, Context, out var verified) != ExchangeError.None) return false;
        verified!.Dispose();
        return true;
    }

    private MikeyMessage? Seal(MikeyMessage message, SecretBytes key, Octets label, params ReadOnlySpan<Octets> more)
    {
        if (message.Last is not Verification) return null;
        using var keys = MessageKeys.Derive(_suite, key, label);
        return MikeyMac.Seal(message with { Payloads = new([.. message.Payloads.Items[..^1]]) }, keys, more);
    }

    private MikeyMessage? SealKemac(MikeyMessage message, SecretBytes psk)
    {
        if (message.Last is not Kemac) return null;
        using var keys = MessageKeys.Derive(_suite, psk, KeyLabel.Message3830(message.CsbId, message.First<RandomValue>()?.Value ?? Octets.Empty));
        return MikeyMac.SealKemac(message, keys);
    }

    /// <summary>As <see cref="SealAnswer"/>, of an update that the room began.</summary>
    private static MikeyMessage? SealUpdate(MikeyMessage message, MessageKeys keys, MikeyTime updated)
    {
        if (message.Last is not Verification) return null;
        var time = new byte[8];
        System.Buffers.Binary.BinaryPrimitives.WriteUInt64BigEndian(time, updated.Value);
        return MikeyMac.Seal(message with { Payloads = new([.. message.Payloads.Items[..^1]]) }, keys, Room.Name, Alice.Name, Octets.CopyOf(time));
    }

    /// <summary>RFC 3830 §5.2: behind it both identities and the eight octets of T.</summary>
    private MikeyMessage? SealAnswer(MikeyMessage message, MikeyMessage init, SecretBytes psk)
    {
        var time = new byte[8];
        System.Buffers.Binary.BinaryPrimitives.WriteUInt64BigEndian(time, init.First<Timestamp>()!.Time.Value);
        var label = KeyLabel.Message3830(init.CsbId, init.First<RandomValue>()!.Value);
        return message.Header.Type == MessageType.Error ? Seal(message, psk, label) : Seal(message, psk, label, Alice.Name, Room.Name, Octets.CopyOf(time));
    }

    /// <summary>With the Initiator Data that goes with its V (RFC 6043 §6.10).</summary>
    private MikeyMessage? Proven(MikeyMessage message, GrantedKeys granted)
    {
        var rand = message.RandOf(RandRole.Initiator) ?? Octets.Empty;
        var names = new[] { message.IdentityOf(IdentityRole.Initiator)?.Name ?? Octets.Empty, message.IdentityOf(IdentityRole.Responder)?.Name ?? Octets.Empty };
        var init = Seal(message, granted.Mpki.Key, KeyLabel.Message(message.CsbId, false, rand, Octets.Empty), names);
        if (init is null || granted.Mpkr is null) return init;
        var proof = InitiatorProofs.Make((Verification)init.Last!, granted.Ticket.Policy.Prf, granted.Mpkr.Key);
        return init with { Payloads = new([.. init.Payloads.Select(p => p is Ticket ticket ? ticket with { Proof = proof } : p)]) };
    }

    private MikeyMessage? Answering(MikeyMessage message, GrantedKeys granted, Octets rand, Octets init)
    {
        var (who, kmsRand) = (message.IdentityOf(IdentityRole.Responder), message.RandOf(RandRole.Kms));
        if (granted.Mpkr is not null && (who is null || kmsRand is null)) return null;
        using var forked = granted.Mpkr is { } mpkr ? KeyFork.Mpk(_suite.Prf, mpkr, who!.Value, kmsRand!.Value) : granted.Mpki.Copy();
        return Seal(message, forked.Key, KeyLabel.Message(message.CsbId, true, rand, message.RandOf(RandRole.Responder) ?? Octets.Empty), init);
    }

    /// <summary>Under the keys of the transfer's answer (RFC 6043 §5.2).</summary>
    private MikeyMessage? Bundled(MikeyMessage message, GrantedKeys granted, Octets answer, Octets rand, params ReadOnlySpan<Octets> more)
    {
        var said = Read(answer);
        using var forked = granted.Mpkr is { } mpkr
            ? KeyFork.Mpk(_suite.Prf, mpkr, said.IdentityOf(IdentityRole.Responder)!.Value, said.RandOf(RandRole.Kms)!.Value)
            : granted.Mpki.Copy();
        return Seal(message, forked.Key, KeyLabel.Message(said.CsbId, true, rand, said.RandOf(RandRole.Responder) ?? Octets.Empty), more);
    }

    private static MikeyMessage Read(Octets octets) => MikeyReader.TryRead(octets.Span, out var message, out var error) ? message! : throw new InvalidDataException($"{error}");

    private TicketPolicy Policy(bool forks) => new(
        TicketKind.BaseTicket, _suite.Prf,
        TicketFlags.ByKms | TicketFlags.ResolveAtKms | TicketFlags.Answered | TicketFlags.InitiatorRand | TicketFlags.InitiatorKeys | TicketFlags.ResponderKeys
        | TicketFlags.PlainInitiator | TicketFlags.PlainResponder | (forks ? TicketFlags.Forking : TicketFlags.ResponderRand),
        0, new([new RoleIdentity(IdentityRole.Initiator, Alice), new RoleIdentity(IdentityRole.Responder, Room)]));

    private static SessionTerms Terms(ListOf<GeneralExtension> extensions, TransportedKey key, (uint? Ssrc, Octets Spi) first, (uint? Ssrc, Octets Spi) second) => new(
        new([Session(1, first), Session(2, second)]), new([SrtpPolicy.AesCm128Tag80.ToPayload(0)]), [key], extensions);

    private static GenericSession Session(byte number, (uint? Ssrc, Octets Spi) said) =>
        GenericSession.ForSrtp(number, Octets.CopyOf([0]), said.Ssrc is { } ssrc ? new SrtpPosition(ssrc) : null, said.Spi);

    private TransportedKey Tek(byte number) => new(
        KeyType.TekWithSalt, SecretBytes.Create(_suite.KeyLength, s => s.Fill(number)), SecretBytes.Create(14, s => s.Fill(number)),
        new KeyValidity.Named(Octets.CopyOf([0, 0, 0, number])));

    private static Octets Sent(KmsClientStep step) => ((KmsClientEffect.Send)step.Effects[0]).Message;

    private static SecretBytes Key(byte number) => SecretBytes.Create(32, s => s.Fill(number));

    private T Kept<T>(T disposable)
        where T : IDisposable
    {
        _kept.Add(disposable);
        return disposable;
    }

    private void Draw(Span<byte> span) => SHA256.HashData(BitConverter.GetBytes(++_draws)).AsSpan(0, span.Length).CopyTo(span);
}
