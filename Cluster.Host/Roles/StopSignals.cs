using System.Diagnostics;
using System.Runtime.InteropServices;

namespace ConfCluster.Host.Roles;

/// <summary>
/// Ctrl-C and SIGTERM: the first asks for an orderly stop, the second ends the process at once. One that comes right after the first is the same wish: a terminal
/// tells every process of a command, and the one that started the others tells them, too.
/// </summary>
internal sealed class StopSignals : IDisposable
{
    private const int Interrupted = 130;

    private static readonly TimeSpan SameWish = TimeSpan.FromSeconds(1);

    private readonly Stopwatch _since = new();
    private readonly TaskCompletionSource _stop = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly PosixSignalRegistration[] _registrations;

    public StopSignals() => _registrations =
    [
        PosixSignalRegistration.Create(PosixSignal.SIGINT, Handle), PosixSignalRegistration.Create(PosixSignal.SIGTERM, Handle),
    ];

    public Task Requested => _stop.Task;

    public void Dispose()
    {
        foreach (var registration in _registrations) registration.Dispose();
    }

    private void Handle(PosixSignalContext context)
    {
        context.Cancel = true;
        lock (_since)
        {
            if (!_since.IsRunning) _since.Start();
            else if (_since.Elapsed > SameWish) Environment.Exit(Interrupted);
        }

        _ = _stop.TrySetResult();
    }
}
