using ConfCluster.Protocols.Sip.Messages;

namespace ConfCluster.Protocols.Sip.Sessions;

/// <summary>Why a session cannot have the timer that a request asks for.</summary>
public enum SessionTimerError : byte { None, Unreadable, IntervalTooSmall }

/// <summary>
/// The session timer of a dialog (RFC 4028): what the newest 2xx to an INVITE or UPDATE agreed on. A peer that knows nothing of timers is
/// refreshed by us, which tells whether it is still there (RFC 4028 §7.2, §9).
/// </summary>
/// <param name="Interval">Zero: the session does not expire.</param>
/// <param name="WeRefresh">Else the peer does.</param>
/// <param name="PeerSupports">The peer named the option-tag "timer".</param>
/// <param name="Minimum">The largest Min-SE that came in the dialog (RFC 4028 §7.4).</param>
public sealed record SessionTimer(TimeSpan Interval, bool WeRefresh, bool PeerSupports, TimeSpan Minimum)
{
    private const string OptionTag = "timer";

    /// <summary>RFC 4028 §10: so long before the end the one who waits for a refresh hangs up, or a third of the interval before it.</summary>
    private static readonly TimeSpan Margin = TimeSpan.FromSeconds(32);

    public static readonly SessionTimer None = new(TimeSpan.Zero, false, false, TimeSpan.Zero);

    public bool IsRunning => Interval > TimeSpan.Zero;

    /// <summary>RFC 4028 §9: a refresh once half of the interval is over.</summary>
    public TimeSpan UntilRefresh => Interval / 2;

    /// <summary>When the call is given up because no refresh has succeeded.</summary>
    public TimeSpan UntilGivenUp => Interval - (Interval / 3 < Margin ? Interval / 3 : Margin);

    /// <summary>An INVITE or UPDATE of the peer (RFC 4028 §9, table 2).</summary>
    public static SessionTimerError Agree(SipRequest request, SessionTimer before, SessionTimerPolicy policy, out SessionTimer agreed)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(before);
        ArgumentNullException.ThrowIfNull(policy);
        agreed = before;
        var headers = request.Headers;
        if (!SessionExpires.TryRead(headers, out var asked) || !SessionExpires.TryReadMinimum(headers, out var minimum))
            return SessionTimerError.Unreadable;

        var supports = headers.List(HeaderNames.Supported).Contains(OptionTag, StringComparer.OrdinalIgnoreCase);
        var least = Larger(before.Minimum, minimum ?? TimeSpan.Zero);
        if (asked is { } small && small.Interval < policy.Minimum)
        {
            if (supports) return SessionTimerError.IntervalTooSmall;
            // A proxy on the way wants what we refuse, and only who knows timers may be told: no timer, since ours would be longer.
            agreed = new SessionTimer(TimeSpan.Zero, false, false, least);
            return SessionTimerError.None;
        }

        // Not above what was asked, and not below Min-SE.
        var ours = Larger(policy.Interval, Larger(minimum ?? TimeSpan.Zero, policy.Minimum));
        var interval = asked is { } known ? policy.Interval > TimeSpan.Zero && known.Interval > ours ? ours : known.Interval
            : policy.Interval > TimeSpan.Zero ? ours : TimeSpan.Zero;
        var weRefresh = !supports || asked is null || asked.Value.Refresher == Refresher.Server;
        agreed = new SessionTimer(interval, weRefresh, supports, least);
        return SessionTimerError.None;
    }

    /// <summary>The peer's 2xx to an INVITE or UPDATE of ours that asked for this timer (RFC 4028 §7.2).</summary>
    public SessionTimer Agree(SipResponse response)
    {
        ArgumentNullException.ThrowIfNull(response);
        if (!SessionExpires.TryRead(response.Headers, out var agreed) || agreed is not { Interval: var interval } || interval <= TimeSpan.Zero)
            return this with { WeRefresh = true };
        return this with { Interval = interval, WeRefresh = agreed.Value.Refresher != Refresher.Server, PeerSupports = true };
    }

    /// <summary>A 422 asks for a longer interval (RFC 4028 §7.3); false when it does not say which, or not a longer one.</summary>
    public bool TryLengthen(SipResponse response, out SessionTimer longer)
    {
        ArgumentNullException.ThrowIfNull(response);
        longer = this;
        if (!SessionExpires.TryReadMinimum(response.Headers, out var minimum) || minimum is not { } least || least <= Asked) return false;
        longer = this with { Minimum = Larger(Minimum, least) };
        return true;
    }

    /// <summary>For a 2xx of ours (RFC 4028 §9): the peer is the client.</summary>
    public SipHeaders InResponse(SipHeaders headers)
    {
        ArgumentNullException.ThrowIfNull(headers);
        if (!IsRunning) return headers;
        headers = headers.Append(
            HeaderNames.SessionExpires, new SessionExpires(Interval, WeRefresh ? Refresher.Server : Refresher.Client).ToString());
        return PeerSupports ? headers.Append(HeaderNames.Require, OptionTag) : headers;
    }

    /// <summary>For an INVITE or UPDATE of ours in the dialog (RFC 4028 §7.4): roles as they are.</summary>
    public SipHeaders InRequest(SipHeaders headers)
    {
        ArgumentNullException.ThrowIfNull(headers);
        if (!IsRunning) return headers;
        headers = headers.Append(
            HeaderNames.SessionExpires, new SessionExpires(Asked, WeRefresh ? Refresher.Client : Refresher.Server).ToString());
        return Minimum > TimeSpan.Zero ? headers.Append(HeaderNames.MinSe, SessionExpires.Seconds(Minimum)) : headers;
    }

    private TimeSpan Asked => Larger(Interval, Minimum);

    private static TimeSpan Larger(TimeSpan a, TimeSpan b) => a > b ? a : b;
}
