using ConfCluster.Actors.Keys;
using ConfCluster.Protocols.Mikey.Exchanges;
using ConfCluster.Protocols.Phone;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Srtp;

namespace ConfCluster.Actors.Phone.Load;

/// <summary>The tickets of a load, one for each call, all got before the first is made: so the KMS is no part of what is measured. Owns those that are left.</summary>
internal sealed class LoadTickets : IDisposable
{
    private const int AtOnce = 8;

    private readonly Queue<PhoneTicket> _left = new();

    private LoadTickets()
    {
    }

    /// <exception cref="IOException">The KMS gives none.</exception>
    public static async Task<LoadTickets> GetAsync(LoadOptions options, SipUri target, KmsSecret secret, TimeProvider clock, CancellationToken stop)
    {
        var tickets = new LoadTickets();
        try
        {
            using var http = PhoneTickets.Resolver(options.Kms!, clock);
            for (var missing = options.MostCalls; missing > 0; missing -= AtOnce)
            {
                var asked = Enumerable.Range(0, Math.Min(AtOnce, missing))
                    .Select(_ => PhoneTickets.GetAsync(options.Kms!, secret, target, SrtpProfile.Usual[0], http, clock, stop));
                foreach (var (ticket, problem) in await Task.WhenAll(asked).ConfigureAwait(false))
                    tickets._left.Enqueue(ticket ?? throw new IOException(problem));
            }

            return tickets;
        }
        catch (IOException)
        {
            tickets.Dispose();
            throw;
        }
    }

    /// <summary>Null: all are used. The receiver owns its keys.</summary>
    public PhoneTicket? Take() => _left.TryDequeue(out var ticket) ? ticket : null;

    public void Dispose()
    {
        foreach (var ticket in _left) ticket.Granted.Dispose();
        _left.Clear();
    }
}
