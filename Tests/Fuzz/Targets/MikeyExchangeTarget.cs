using ConfCluster.Fuzz.Exchanges;
using ConfCluster.Fuzz.Structures;
using ConfCluster.Protocols.Mikey;

namespace ConfCluster.Fuzz.Targets;

/// <summary>
/// The machines of MIKEY, each in the middle of its exchange: the first octet chooses one, the rest is the message that comes. None throws, and none
/// believes what it was not sent. With the highest bit set the message gets a right MAC first, as from a peer who has the keys and means no good.
/// </summary>
public sealed class MikeyExchangeTarget : IFuzzTarget, IDisposable
{
    private const byte Seal = 0x80;
    private const byte Second = 0x40;

    private readonly ExchangeScene[] _scenes = [new(MikeySuite.Aes128, forks: true), new(MikeySuite.Aes256, forks: false)];
    private readonly HashSet<Octets> _honest;

    public MikeyExchangeTarget() => _honest = [.. _scenes.SelectMany(s => s.Machines).Select(m => m.Honest)];

    public string Name => "mikey-exchange";

    public IEnumerable<byte[]> Seeds => [.. Corpus.Read(Name), .. Honest()];

    public IStructure Structure { get; } = new MikeyStructure();

    public void Run(ReadOnlySpan<byte> input)
    {
        if (input.IsEmpty) return;
        var machines = _scenes[(input[0] & Second) == 0 ? 0 : 1].Machines;
        var machine = machines[(input[0] & 0x3F) % machines.Length];
        var message = Octets.CopyOf(input[1..]);
        if ((input[0] & Seal) == 0)
        {
            if (machine.Believes(message) && !_honest.Contains(message)) throw new InvalidOperationException($"{machine.Name}: forged, and believed");
            return;
        }

        if (MikeyReader.TryRead(message.Span, out var read, out _) && machine.Sealed(read!) is { } right) machine.Believes(MikeyWriter.Write(right));
    }

    public void Dispose()
    {
        foreach (var scene in _scenes) scene.Dispose();
    }

    /// <summary>What each machine waits for; that it is believed, and sealed as it is, shows that the scene is what it says.</summary>
    private IEnumerable<byte[]> Honest()
    {
        for (var scene = 0; scene < _scenes.Length; scene++)
        {
            var machines = _scenes[scene].Machines;
            for (var i = 0; i < machines.Length; i++)
            {
                if (!machines[i].Believes(machines[i].Honest)) throw new InvalidOperationException($"{machines[i].Name}: honest, and not believed");
                if (!MikeyReader.TryRead(machines[i].Honest.Span, out var read, out _) || MikeyWriter.Write(machines[i].Sealed(read!)!) != machines[i].Honest)
                    throw new InvalidOperationException($"{machines[i].Name}: sealed otherwise than its sender does");
                foreach (var bits in new byte[] { 0, Seal }) yield return [(byte)(bits | (scene == 0 ? 0 : Second) | i), .. machines[i].Honest.Span];
            }
        }
    }
}
