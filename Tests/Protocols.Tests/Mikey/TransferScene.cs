using System.Collections.Immutable;
using ConfCluster.Protocols.Mikey;
using ConfCluster.Protocols.Mikey.Exchanges;
using ConfCluster.Protocols.Mikey.Payloads;
using ConfCluster.Protocols.Wire;

namespace ConfCluster.Protocols.Tests.Mikey;

/// <summary>Alice transfers a ticket to bob, who resolves it at the KMS and answers with a TEK; the mode says who makes and opens tickets.</summary>
internal sealed class TransferScene(MikeySuite suite, TransferScene.Mode mode = TransferScene.Mode.ThreeRoundTrips, TicketFlags more = TicketFlags.None) : IDisposable
{
    private readonly SecretBytes _shared = SecretBytes.Create(suite.KeyLength, s => s.Fill(0x42));

    /// <summary>RFC 6043 §4.1.1, in its order.</summary>
    public enum Mode
    {
        ThreeRoundTrips,
        ResponderOpens,
        InitiatorMakes,
        BothShare,
    }

    public KmsScene Kms { get; } = new(suite);

    public ReplayCache Replays { get; } = new(1024, TimeSpan.FromMinutes(1));

    public ExchangeContext Context => Kms.Context;

    public TicketFlags Flags { get; } = TicketFlags.Answered | TicketFlags.InitiatorRand | TicketFlags.InitiatorKeys | TicketFlags.ResponderKeys
        | TicketFlags.PlainInitiator | TicketFlags.PlainResponder | more
        | (mode is Mode.ThreeRoundTrips or Mode.ResponderOpens ? TicketFlags.ByKms : 0) | (mode is Mode.ThreeRoundTrips or Mode.InitiatorMakes ? TicketFlags.ResolveAtKms : 0);

    /// <summary>The key that bob gives the bundle; <paramref name="number"/> is its SPI.</summary>
    public TransportedKey Tek(byte number) => new(
        KeyType.TekWithSalt, SecretBytes.Create(suite.KeyLength, s => s.Fill((byte)(number + 0x20))), SecretBytes.Create(14, s => s.Fill(number)), new KeyValidity.Named(Spi(number)));

    public static Octets Spi(byte number) => Octets.CopyOf([0, 0, 0, number]);

    public SrtpPolicy Srtp => suite == MikeySuite.Aes128 ? SrtpPolicy.AesCm128Tag80 : SrtpPolicy.AesCm256Tag80;

    public SessionTerms Offered(params ImmutableArray<TransportedKey> keys) => new(
        new([GenericSession.ForSrtp(1, Octets.CopyOf([0]), new SrtpPosition(0x1111), Octets.Empty), GenericSession.ForSrtp(2, Octets.CopyOf([0]), null, Octets.Empty)]),
        new([Srtp.ToPayload(0)]), keys, new([GeneralExtension.SdpIds("mikey")]));

    public static SessionTerms Answered(byte spi, params ImmutableArray<TransportedKey> keys) => new(Sessions(spi), default, keys);

    public SessionTerms Updating(byte spi, params ImmutableArray<TransportedKey> keys) => new(Sessions(spi), new([Srtp.ToPayload(0)]), keys);

    public GrantedKeys Granted(params ImmutableArray<TransportedKey> keys)
    {
        var policy = Kms.Policy(TicketFlags.None, keys.AsSpan()) with { Flags = Flags };
        if (mode is Mode.ThreeRoundTrips or Mode.ResponderOpens) return Kms.Granted(policy);
        var plain = policy with { Contents = new([.. policy.Contents.Where(p => p is not Kemac)]) };
        var (name, tpk) = mode == Mode.InitiatorMakes ? Kms.TpkForNew : (Octets.CopyOf([8]), _shared);
        var error = LocalTickets.Make(plain, tpk, name, keys, Context, out var granted);
        return error == ExchangeError.None ? granted! : throw new InvalidOperationException($"{error}");
    }

    public GrantedKeys Resolved(Ticket ticket)
    {
        if (mode is Mode.ThreeRoundTrips or Mode.InitiatorMakes)
        {
            var step = KmsClient.Resolve(ticket, Kms.Of(KmsScene.Bob), Context);
            return KmsScene.Keys(KmsClient.Next(step.State, Kms.Answer(KmsScene.Sent(step)).Response!.Value, Context));
        }

        var error = LocalTickets.Open(ticket, mode == Mode.ResponderOpens ? Kms.TpkForNew.Tpk : _shared, Context, out var granted);
        return error == ExchangeError.None ? granted! : throw new InvalidOperationException($"{error}");
    }

    /// <summary>The whole exchange; the transfer answers with <see cref="Tek"/> 1 if bob may.</summary>
    public (UpdateState Alice, UpdateState Bob, ImmutableArray<TransportedKey> Hers) Run(params ImmutableArray<TransportedKey> ticketKeys)
    {
        using var granted = Granted(ticketKeys);
        var step = TicketTransfer.Begin(granted, KmsScene.Alice, KmsScene.Bob, Offered(), Context);
        using var verified = Verified(Sent(step));
        using var tek = Tek(1);
        var (bob, response) = verified.Answer(KmsScene.Bob, Answered(1, Flags.HasFlag(TicketFlags.ResponderKeys) ? [tek] : []), Context);
        var next = TicketTransfer.Next(step.State, response, Context);
        return (new UpdateState(((TransferState.Done)next.State).Bundle), new UpdateState(bob), next.Effects.OfType<TransferEffect.Agreed>().Single().Keys);
    }

    public VerifiedTransfer Verified(Octets init)
    {
        if (TransferArrival.TryRead(init, Replays, Context, out var arrival) is var early and not ExchangeError.None) throw new InvalidOperationException($"{early}");
        using var granted = Resolved(arrival!.Ticket);
        var error = arrival.Verify(granted, Replays, Context, out var verified);
        return error == ExchangeError.None ? verified! : throw new InvalidOperationException($"{error}");
    }

    public static Octets Sent(TransferStep step) => step.Effects.OfType<TransferEffect.Send>().Single().Message;

    public static Octets Sent(UpdateStep step) => step.Effects.OfType<UpdateEffect.Send>().Single().Message;

    public static IEnumerable<Octets> Bent(Octets message)
    {
        for (var bit = 0; bit < 8 * message.Length; bit++)
        {
            var copy = message.Span.ToArray();
            copy[bit / 8] ^= (byte)(1 << (bit % 8));
            yield return Octets.CopyOf(copy);
        }
    }

    public void Dispose() => _shared.Dispose();

    private static ListOf<GenericSession> Sessions(byte spi) => new(
    [
        GenericSession.ForSrtp(1, Octets.CopyOf([0]), new SrtpPosition(0x1111), Spi(spi)),
        GenericSession.ForSrtp(2, Octets.CopyOf([0]), new SrtpPosition(0x2222, (3, 0x4444)), Spi(spi)),
    ]);
}
