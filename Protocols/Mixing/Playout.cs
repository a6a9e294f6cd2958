using ConfCluster.Protocols.Codecs;

namespace ConfCluster.Protocols.Mixing;

/// <summary>What one frame of a source was: nothing to hear, decoded, or made up for a lost one.</summary>
internal enum PlayoutOutcome : byte { Silent, Decoded, Concealed }

/// <summary>
/// Packets of one source become a frame of samples per tick. Made by the first packet, since it is nearly all the memory that a leg takes
/// and most legs of a large conference never speak.
/// </summary>
internal sealed class Playout(MixerSettings settings)
{
    private readonly JitterBuffer _jitter = new(settings.JitterPackets, settings.JitterCapacity);
    private readonly LossConcealment _concealment = new();
    private readonly byte[] _codes = new byte[AudioFrame.Samples];

    public ulong LateOrDuplicate => _jitter.LateOrDuplicate;

    /// <summary>The last frame taken.</summary>
    public short[] Frame { get; } = new short[AudioFrame.Samples];

    /// <param name="payload">Empty: a packet that carries no audio, which only takes its place in the sequence.</param>
    public void Put(ushort sequence, uint timestamp, ReadOnlySpan<byte> payload) => _jitter.Put(sequence, timestamp, payload);

    public PlayoutOutcome Take(AudioCodec codec)
    {
        switch (_jitter.Take(_codes, G711.Silence(codec)))
        {
            case JitterOutcome.Frame:
                G711.Decode(codec, _codes, Frame);
                _concealment.Keep(Frame);
                return PlayoutOutcome.Decoded;
            case JitterOutcome.Lost when _concealment.Conceal(Frame):
                return PlayoutOutcome.Concealed;
            case JitterOutcome.Empty:
                _concealment.Forget();
                return PlayoutOutcome.Silent;
            default:
                return PlayoutOutcome.Silent;
        }
    }

    public void Reset()
    {
        _jitter.Reset();
        _concealment.Forget();
    }
}
