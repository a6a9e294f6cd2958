using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Mikey;
using ConfCluster.Protocols.Mikey.Exchanges;
using ConfCluster.Protocols.Mikey.Payloads;
using ConfCluster.Protocols.Srtp;

namespace ConfCluster.Protocols.KeyManagement;

/// <summary>
/// What a next life needs to go on with a leg that is keyed by MIKEY: its bundle as it stands between two updates (RFC 6043 §5.2, RFC 3830 §4.5), without the
/// keys of the KMS or the pre-shared key, which are not needed any more. Owns <paramref name="Keys"/>. An update that waits for its answer is left out.
/// </summary>
/// <param name="Said">Sessions, newest T, who is who, and of a ticket policies and RANDs, in the form of a message that never goes out: no key is in it.</param>
/// <param name="Began">The I_MESSAGE that began a bundle under a pre-shared key; empty: it began with a ticket.</param>
/// <param name="Keys">What protects the messages of the bundle.</param>
public sealed record KeptBundle(
    Octets Said, Octets Began, BundleRole Role, SrtpProfile Profile, int Stream, bool AtSession, uint Ssrc, MessageKeys Keys) : IDisposable
{
    /// <summary>With copies of the keys, which the caller owns.</summary>
    public static KeptBundle Of(KeyedLeg leg)
    {
        ArgumentNullException.ThrowIfNull(leg);
        var (said, began, role, keys) = leg switch
        {
            MikeyLeg ticket => (SaidOf(ticket.State.Bundle), Octets.Empty, ticket.Bundle.Role, ticket.Bundle.Keys),
            PreSharedLeg shared => (SaidOf(shared), MikeyWriter.Write(shared.Bundle.Init), shared.Bundle.Role, shared.Bundle.Keys),
            _ => throw new System.Diagnostics.UnreachableException(),
        };
        return new KeptBundle(said, began, role, leg.Profile, leg.Stream, leg.AtSession, leg.Ssrc, keys.Copy());
    }

    /// <summary>For another owner.</summary>
    public KeptBundle Copy() => this with { Keys = Keys.Copy() };

    /// <summary>The leg with copies of the keys, which the caller owns. False: a node of another version wrote what is not understood here.</summary>
    public bool TryRevive(out KeyedLeg? leg)
    {
        leg = null;
        if (!MikeyReader.TryRead(Said.Span, out var said, out _) || said!.First<Timestamp>() is not { } newest || said.Header.Prf != Keys.Suite.Prf) return false;
        leg = Began.IsEmpty ? OfTicket(said, newest.Time) : OfPreShared(said, newest.Time);
        return leg is not null;
    }

    public void Dispose() => Keys.Dispose();

    public override string ToString() => $"bundle of stream {Stream}, {Role}";

    private MikeyLeg? OfTicket(MikeyMessage said, MikeyTime newest)
    {
        if (said.IdentityOf(IdentityRole.Initiator) is not { } initiator || said.IdentityOf(IdentityRole.Responder) is not { } responder
            || said.First<WantedTicket>() is not { } ticket || said.Header.Map is not CsIdMap.Generic map) return null;
        var rands = (said.RandOf(RandRole.Initiator) ?? Octets.Empty, said.RandOf(RandRole.Responder) ?? Octets.Empty);
        var bundle = new CryptoBundle(said.CsbId, Role, initiator, responder, ticket.Policy, Keys.Copy(), rands);
        var state = new BundleState(bundle, newest, map.Sessions, new([.. said.All<SecurityPolicy>()]));
        return new MikeyLeg(new UpdateState(state), Profile, Stream, AtSession, Ssrc) { IsRevived = true };
    }

    private PreSharedLeg? OfPreShared(MikeyMessage said, MikeyTime newest)
    {
        if (!MikeyReader.TryRead(Began.Span, out var init, out _) || said.All<NamedIdentity>().ToList() is not [var initiator, var responder]
            || said.Header.Map is not CsIdMap.Srtp map) return null;
        var bundle = new PreSharedBundle(init!, Keys.Copy(), initiator.Identity, responder.Identity, Role, newest);
        return new PreSharedLeg(bundle, map.Sessions, Profile, Stream, AtSession, Ssrc) { IsRevived = true };
    }

    private static Octets SaidOf(BundleState state)
    {
        var bundle = state.Bundle;
        var (initiator, responder) = bundle.Rands;
        MikeyPayload[] rands =
        [
            .. initiator.IsEmpty ? Array.Empty<MikeyPayload>() : [new RoleRand(RandRole.Initiator, initiator)],
            .. responder.IsEmpty ? Array.Empty<MikeyPayload>() : [new RoleRand(RandRole.Responder, responder)],
        ];
        var header = new MikeyHeader(MessageType.TransferInit, V: false, bundle.Keys.Suite.Prf, bundle.CsbId, new CsIdMap.Generic(state.Sessions));
        return MikeyWriter.Write(new MikeyMessage(
            header,
            [
                new Timestamp(state.Newest), new RoleIdentity(IdentityRole.Initiator, bundle.Initiator), new RoleIdentity(IdentityRole.Responder, bundle.Responder),
                .. rands, .. state.Policies, new WantedTicket(bundle.Policy),
            ]));
    }

    private static Octets SaidOf(PreSharedLeg leg)
    {
        var bundle = leg.Bundle;
        var header = bundle.Init.Header with { Map = new CsIdMap.Srtp(leg.Sessions) };
        return MikeyWriter.Write(new MikeyMessage(
            header, new Timestamp(bundle.Newest), new NamedIdentity(bundle.Initiator), new NamedIdentity(bundle.Responder)));
    }
}
