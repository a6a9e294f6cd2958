using ConfCluster.Actors.Keys;
using ConfCluster.Actors.Media;
using ConfCluster.Actors.Settings;

namespace ConfCluster.Actors.Phone.Load;

/// <summary>Runs a load on a thread of its own, with real sockets and clock.</summary>
public static class LoadGenerator
{
    /// <summary>Cancelling lets everybody hang up early; the report still comes.</summary>
    /// <exception cref="IOException">There are not enough sockets.</exception>
    /// <exception cref="System.Net.Sockets.SocketException">No way leads to the server.</exception>
    /// <exception cref="IOException">The KMS gives no ticket.</exception>
    /// <param name="secret">For the KMS of the options; borrowed.</param>
    public static async Task<LoadReport> RunAsync(LoadOptions options, TimeProvider clock, CancellationToken stop, KmsSecret? secret = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(clock);
        var local = PhoneSockets.AddressTowards(options.Server);
        using var tickets = options.Kms is null ? null : await LoadTickets.GetAsync(options, options.Target(0), secret!, clock, stop).ConfigureAwait(false);
        return await Task.Factory.StartNew(Run, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default).ConfigureAwait(false);

        LoadReport Run()
        {
            using var sockets = MediaSockets.ForThisSystem(new MediaSocketOptions(1 << 17, 0, 0));
            using var loop = new LoadLoop(options, tickets, sockets, LaneClock.ForThisSystem(), local, clock.GetUtcNow());
            return loop.Run(stop);
        }
    }
}
