using System.Runtime.InteropServices;

namespace ConfCluster.Host.Roles;

/// <summary>Ctrl-C and SIGTERM: the first asks for an orderly stop, the second ends the process at once.</summary>
internal sealed class StopSignals : IDisposable
{
    private const int Interrupted = 130;
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
        if (!_stop.TrySetResult()) Environment.Exit(Interrupted);
    }
}
