using Akka.Actor;
using Akka.Event;

namespace ConfCluster.Actors.Audit;

/// <summary>
/// Lets the <see cref="AuditSigner"/> pass over the journal at an interval, beside everything else, and a last time when the node stops. A
/// journal that cannot be read is tried again.
/// </summary>
public sealed class KeyAuditor : ReceiveActor, IWithTimers
{
    private readonly AuditSigner _signer;
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private string? _trouble;

    public KeyAuditor(AuditSigner signer, TimeSpan interval)
    {
        _signer = signer;
        Receive<Look>(_ => Task.Run(Passed).PipeTo(Self));
        Receive<Passage>(m =>
        {
            Tell(m);
            Timers.StartSingleTimer(nameof(Look), Look.Now, interval);
        });
    }

    public ITimerScheduler Timers { get; set; } = null!;

    protected override void PreStart() => Self.Tell(Look.Now);

    protected override void PostStop()
    {
        Tell(Passed());
        _signer.Dispose();
    }

    private Passage Passed()
    {
        try
        {
            return new Passage([.. _signer.Pass()], null);
        }
        catch (Exception e) when (e is System.Data.Common.DbException or IOException or UnauthorizedAccessException)
        {
            return new Passage([], e.Message);
        }
    }

    private void Tell(Passage passage)
    {
        foreach (var conference in passage.Broken)
            _log.Error("conference {0}: what is stored is not what the audit has signed; nothing more of it is signed. See: confcluster audit verify {0}", conference);
        if (passage.Trouble is { } trouble && trouble != _trouble) _log.Warning("the audit is behind: {0}", trouble);
        _trouble = passage.Trouble;
    }

    private enum Look
    {
        Now,
    }

    private sealed record Passage(IReadOnlyList<string> Broken, string? Trouble);
}
