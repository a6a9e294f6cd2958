using System.Collections.Immutable;
using System.Net.Sockets;
using System.Security.Authentication;
using ConfCluster.Protocols.Sip.Messages;

namespace ConfCluster.Actors.Phone;

/// <summary>
/// The servers at which a softphone's call can go on (RFC 3263 §4.3: each address of a name, and those that it was given beside it), one after the other, until one
/// takes the connection. Owned by the phone's thread.
/// </summary>
internal sealed class PhoneWays(SoftPhoneOptions options, ImmutableArray<PhoneTarget> targets, PhoneWay first, CancellationToken stop) : IDisposable
{
    /// <summary>For one server's connection.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    /// <summary>After all have been tried.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    /// <summary>As long as a request may go unanswered (RFC 3261 §17.1.2.2: 64 times T1); then the call is over.</summary>
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(32);

    private Task<PhoneWay?>? _opening;
    private int _at;
    private TimeSpan _since;

    public bool HasOthers => targets.Length > 1;

    public bool IsOpening => _opening is not null;

    public void Begin(TimeSpan now)
    {
        if (IsOpening) return;
        _since = now;
        _opening = NextAsync();
    }

    /// <summary>Whether something has come of it: a way, which the caller owns, or none, for good.</summary>
    public bool TryTake(TimeSpan now, out PhoneWay? way)
    {
        way = null;
        if (_opening is not { IsCompleted: true } done) return false;
        _opening = null;
        way = done.GetAwaiter().GetResult();
        if (way is not null || now - _since >= Limit || stop.IsCancellationRequested) return true;
        _opening = NextAsync();
        return false;
    }

    /// <summary>A connection that is on its way is of no use any more.</summary>
    public void Dispose() =>
        _opening?.ContinueWith(t => t.Result?.Dispose(), CancellationToken.None, TaskContinuationOptions.OnlyOnRanToCompletion, TaskScheduler.Default);

    private async Task<PhoneWay?> NextAsync()
    {
        _at = (_at + 1) % targets.Length;
        // Datagrams leave from the port that the server knows.
        if (options.Transport == SipTransport.Udp) return first.To(targets[_at].At);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stop);
        limit.CancelAfter(Patience);
        try
        {
            return await PhoneWay.OpenAsync(targets[_at], options, limit.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException or AuthenticationException or IOException)
        {
            if (_at == 0) await Task.Delay(Pause, CancellationToken.None).ConfigureAwait(false);
            return null;
        }
    }
}
