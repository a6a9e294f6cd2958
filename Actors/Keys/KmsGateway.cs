using System.Collections.Immutable;
using Akka.Actor;
using Akka.Event;
using ConfCluster.Actors.Settings;
using ConfCluster.Protocols.Focus;
using ConfCluster.Protocols.KeyManagement;
using ConfCluster.Protocols.Mikey;
using ConfCluster.Protocols.Mikey.Exchanges;
using ConfCluster.Protocols.Srtp;
using ConfCluster.Protocols.Wire;

namespace ConfCluster.Actors.Keys;

/// <summary>Resolve the ticket of a transfer and say whether the transfer is authentic. Within one node.</summary>
public sealed record ResolveTicket(TransferArrival Transfer);

/// <summary>A ticket for a call to <paramref name="Responder"/>. Within one node.</summary>
public sealed record RequestTicket(string Responder, SrtpProfile Suite)
{
    /// <summary>In whose name; null: the focus's own.</summary>
    public string? As { get; init; }
}

/// <summary>So many group keys for epochs to come. Within one node.</summary>
public sealed record RequestGroupKeys(int Count);

/// <summary>To whoever asked, who owns the keys.</summary>
/// <param name="Problem">Why there are none.</param>
public sealed record GroupKeysGranted(ImmutableArray<SecretBytes> Keys, string Problem);

/// <summary>To whoever asked, who owns the keys.</summary>
public sealed record TicketGranted(GrantedKeys? Keys, ExchangeError Error, bool IsUnreachable)
{
    /// <summary>In place of a ticket; owned as that is.</summary>
    public PreSharedGrant? PreShared { get; init; }
}

/// <summary>To whoever asked, who owns what is verified.</summary>
public sealed record TicketResolved(VerifiedTransfer? Verified, ExchangeError Error, bool IsUnreachable);

/// <summary>
/// The node's way to its KMS (RFC 6043 §4.2.3): it has the focus's credential, and the replay cache of all transfers that come to the node
/// (RFC 3830 §5.4). Bounded: what is too much is told as no KMS at all (RFC 6043 §12.3). While the KMS is away (<see cref="KmsOutage"/>) nobody waits for a
/// ticket; tickets of callers are tried all the same, since without it they have no call.
/// </summary>
public sealed class KmsGateway : ReceiveActor
{
    private const int MaxPending = 1000;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly KmsUserSettings _settings;
    private readonly TimeProvider _clock;
    private readonly KmsSecret _secret;
    private readonly KmsHttp _http;
    private readonly ReplayCache _replays;
    private readonly KmsOutage _outage;
    private readonly long _zero;
    private int _pending;

    /// <param name="secret">Taken over, as is <paramref name="http"/>.</param>
    public KmsGateway(KmsUserSettings settings, KmsSecret secret, KmsHttp http, TimeProvider clock)
    {
        (_settings, _secret, _http, _clock) = (settings, secret, http, clock);
        (_outage, _zero) = (new KmsOutage(settings.Pause), clock.GetTimestamp());
        _replays = new ReplayCache(settings.MaxReplays, settings.Skew);
        _replays.Forget(clock.GetUtcNow() - settings.Skew);
        Receive<ResolveTicket>(Ask);
        Receive<RequestTicket>(Ask);
        Receive<RequestGroupKeys>(Ask);
        Receive<Made>(Tell);
        Receive<Answered>(Tell);
        Receive<Granted>(Tell);
    }

    private KmsCredential Credential => _secret.Of(Identity.Uri(_settings.Identity), Identity.Uri(_settings.Kms));

    private TimeSpan Elapsed => _clock.GetElapsedTime(_zero);

    private ExchangeContext Now => new(_clock.GetUtcNow(), System.Security.Cryptography.RandomNumberGenerator.Fill, _settings.Skew);

    protected override void PostStop()
    {
        _http.Dispose();
        _secret.Dispose();
    }

    private void Ask(ResolveTicket ask)
    {
        if (_pending == MaxPending)
        {
            Sender.Tell(new TicketResolved(null, ExchangeError.None, IsUnreachable: true));
            return;
        }

        _pending++;
        var sender = Sender;
        _http.ResolveAsync(ask.Transfer.Ticket, Credential, CancellationToken.None).PipeTo(Self, success: outcome => new Answered(ask.Transfer, sender, outcome));
    }

    private void Ask(RequestTicket ask)
    {
        if (_pending == MaxPending || !_outage.MayAsk(Elapsed))
        {
            Sender.Tell(new TicketGranted(null, ExchangeError.None, IsUnreachable: true));
            return;
        }

        _pending++;
        var (sender, credential) = (Sender, Credential);
        var wanted = MikeyTickets.ForCall(ask.Suite, ask.As is { } name ? Identity.Uri(name) : credential.Self, Identity.Uri(ask.Responder));
        _http.RequestAsync(wanted, credential, CancellationToken.None).PipeTo(Self, success: outcome => new Granted(ask.Responder, sender, outcome));
    }

    /// <summary>Whoever asks waits by itself before it asks again, so an outage stops nobody here.</summary>
    private void Ask(RequestGroupKeys ask)
    {
        if (_pending == MaxPending)
        {
            Sender.Tell(new GroupKeysGranted([], "too many questions wait for the KMS"));
            return;
        }

        _pending++;
        var (sender, credential) = (Sender, Credential);
        var wanted = KmsGroupKey.Wanted(credential.Self, ask.Count);
        _http.RequestAsync(wanted, credential, CancellationToken.None).PipeTo(Self, success: outcome => new Made(sender, outcome));
    }

    private void Tell(Made made)
    {
        _pending--;
        // Whoever asked tells it, in words of its own.
        _outage.Answered(made.Outcome.Unreachable is not null, Elapsed);
        using var granted = made.Outcome.Keys;
        var keys = granted is null ? [] : KmsGroupKey.Of(granted);
        made.Sender.Tell(new GroupKeysGranted(keys, granted is null ? made.Outcome.Problem : "the KMS gave keys of another kind"));
    }

    private void Tell(Granted granted)
    {
        _pending--;
        var outcome = granted.Outcome;
        if (!IsAway(outcome) && outcome.Keys is null) _log.Info("There is no ticket for {0}: {1}", granted.Responder, outcome.Problem);
        granted.Sender.Tell(new TicketGranted(outcome.Keys, outcome.Error, outcome.Unreachable is not null));
    }

    private void Tell(Answered answered)
    {
        _pending--;
        var outcome = answered.Outcome;
        IsAway(outcome);
        if (outcome.Keys is not { } keys)
        {
            if (outcome.Unreachable is null) _log.Info("A ticket of {0} was not resolved: {1}", answered.Transfer.Initiator, outcome.Problem);
            answered.Sender.Tell(new TicketResolved(null, outcome.Error, outcome.Unreachable is not null));
            return;
        }

        using (keys)
        {
            var error = answered.Transfer.Verify(keys, _replays, Now, out var verified);
            answered.Sender.Tell(new TicketResolved(verified, error, IsUnreachable: false));
        }
    }

    private bool IsAway(KmsOutcome outcome)
    {
        _outage.Answered(outcome.Unreachable is not null, Elapsed);
        if (outcome.Unreachable is not { } why) return false;
        _log.Warning("The KMS cannot be reached: {0}; it is asked for no ticket for the next {1} s", why, _settings.Pause.TotalSeconds);
        return true;
    }

    /// <summary>To itself.</summary>
    private sealed class Made(IActorRef sender, KmsOutcome outcome)
    {
        public IActorRef Sender => sender;

        public KmsOutcome Outcome => outcome;
    }

    /// <summary>To itself.</summary>
    private sealed class Granted(string responder, IActorRef sender, KmsOutcome outcome)
    {
        public string Responder => responder;

        public IActorRef Sender => sender;

        public KmsOutcome Outcome => outcome;
    }

    /// <summary>To itself.</summary>
    private sealed class Answered(TransferArrival transfer, IActorRef sender, KmsOutcome outcome)
    {
        public TransferArrival Transfer => transfer;

        public IActorRef Sender => sender;

        public KmsOutcome Outcome => outcome;
    }
}
