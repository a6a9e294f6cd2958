using Akka.Actor;
using Akka.Event;
using ConfCluster.Actors.Settings;
using ConfCluster.Protocols.Focus;
using ConfCluster.Protocols.KeyManagement;
using ConfCluster.Protocols.Mikey;
using ConfCluster.Protocols.Mikey.Exchanges;
using ConfCluster.Protocols.Wire;

namespace ConfCluster.Actors.Keys;

/// <summary>Say whether an offer under a pre-shared key is authentic. Within one node.</summary>
public sealed record CheckPreShared(PreSharedOffer Offer);

/// <summary>To whoever asked, who owns the opening.</summary>
public sealed record PreSharedChecked(PreSharedOpening? Opening, ExchangeError Error);

/// <summary>
/// The keys that users share with the focus (RFC 3830 §3.1): the file of a node that has them, and the replay cache of all first messages that come to it
/// (RFC 3830 §5.4). Tickets for offers of ours are asked for here too, since who has a key needs none.
/// </summary>
public sealed class PreSharedKeeper : ReceiveActor
{
    private static readonly TimeSpan Skew = ParticipantContext.ClockSkew;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly PreSharedSettings _settings;
    private readonly TimeProvider _clock;
    private readonly KmsUserFile _users;
    private readonly ReplayCache _replays;
    private readonly IActorRef _kms;

    /// <param name="kms">The node's <see cref="KmsGateway"/>; nobody without one.</param>
    /// <param name="users">Taken over.</param>
    public PreSharedKeeper(PreSharedSettings settings, KmsUserFile users, IActorRef kms, TimeProvider clock)
    {
        (_settings, _users, _kms, _clock) = (settings, users, kms, clock);
        _replays = new ReplayCache(settings.MaxReplays, Skew);
        _replays.Forget(clock.GetUtcNow() - Skew);
        Receive<CheckPreShared>(Check);
        Receive<RequestTicket>(Ask);
        Receive<ResolveTicket>(ask => _kms.Forward(ask));
        Receive<RequestGroupKeys>(ask =>
        {
            if (_kms.IsNobody()) Sender.Tell(new GroupKeysGranted([], "kms-user.url is not set"));
            else _kms.Forward(ask);
        });
    }

    protected override void PostStop() => _users.Dispose();

    private void Check(CheckPreShared ask)
    {
        var context = new ExchangeContext(_clock.GetUtcNow(), System.Security.Cryptography.RandomNumberGenerator.Fill, Skew);
        var error = ask.Offer.Verify(KeyOf(ask.Offer.Initiator.ToString()), _replays, context, out var opening);
        if (error != ExchangeError.None) _log.Info("A message of {0} under a pre-shared key was refused: {1}", ask.Offer.Initiator, error);
        Sender.Tell(new PreSharedChecked(opening, error));
    }

    private void Ask(RequestTicket ask)
    {
        // A call that is on and was under that key stays so.
        if ((_settings.Offers != TicketOffers.Never || ask.As is not null) && KeyOf(ask.Responder) is { } psk)
        {
            var grant = new PreSharedGrant(psk.Copy(), Identity.Uri(ask.As ?? _settings.Identity), Identity.Uri(ask.Responder));
            Sender.Tell(new TicketGranted(null, ExchangeError.None, IsUnreachable: false) { PreShared = grant });
        }
        else if (_kms.IsNobody()) Sender.Tell(new TicketGranted(null, ExchangeError.NotAuthorised, IsUnreachable: false));
        else _kms.Forward(ask);
    }

    /// <summary>Null: nobody, or somebody who was revoked. Borrowed.</summary>
    private SecretBytes? KeyOf(string name)
    {
        if (_users.Refresh() is { } complaint) _log.Warning(complaint);
        return _users.Users.Find(name) is { IsRevoked: false } user ? user.Psk : null;
    }
}
