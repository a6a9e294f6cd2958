using ConfCluster.Protocols.Mikey;
using ConfCluster.Protocols.Mikey.Payloads;
using ConfCluster.Protocols.Wire;

namespace ConfCluster.Fuzz.Targets;

/// <summary>
/// The reader of MIKEY messages: never throws, and whatever it takes is written again octet by octet. Tickets are opened with a key that
/// the fuzzer does not have, so none ever opens.
/// </summary>
public sealed class MikeyTarget : IFuzzTarget, IDisposable
{
    private readonly SecretBytes _tpk = SecretBytes.Create(16, span => span.Fill(0x5A));

    public string Name => "mikey";

    public IEnumerable<byte[]> Seeds => Corpus.Read("mikey");

    /// <summary>Heads of payloads: next payload, then what the type begins with.</summary>
    public IEnumerable<byte[]> Dictionary =>
        [[14, 1, 1, 0, 4], [15, 1, 16], [17, 3, 1, 0, 0], [9, 2], [1, 1, 0, 8], [10, 0, 0, 0, 0], [13, 2, 3], [0, 0, 1, 1, 1, 1], [21, 1, 0, 5], [255, 255]];

    public void Run(ReadOnlySpan<byte> input)
    {
        if (!MikeyReader.TryRead(input, out var message, out var error))
        {
            if (error == MikeyError.None) throw new InvalidOperationException("refused without a reason");
            return;
        }

        if (MikeyWriter.Write(message!) != Octets.CopyOf(input)) throw new InvalidOperationException("not written as it was read");
        foreach (var payload in message!.Payloads) Look(payload);
    }

    public void Dispose() => _tpk.Dispose();

    private void Look(MikeyPayload payload)
    {
        switch (payload)
        {
            case Ticket ticket:
                if (BaseTicket.TryOpen(ticket, _tpk, out _)) throw new InvalidOperationException("a forged ticket was opened");
                InitiatorProof.TryRead(ticket.Proof, out _);
                break;
            case Kemac kemac when KeyTransport.TryOpen(kemac, out var keys):
                foreach (var key in keys) key.Dispose();
                break;
            case SecurityPolicy policy:
                SrtpPolicy.Of(policy);
                break;
            case GeneralExtension extension:
                extension.TryKeyIds(out _);
                break;
        }
    }
}
