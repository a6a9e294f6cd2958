using ConfCluster.Protocols.Codecs;

namespace ConfCluster.Protocols.Mixing;

/// <summary>
/// What is played of one leg. When another source takes the place of the one before (a new SSRC at a new key, or a stream that others share), what waits of
/// the former is played while the new one fills its jitter buffer, and not a frame is missing between them.
/// </summary>
internal sealed class SourcePlayout(MixerSettings settings) : IDisposable
{
    private Playout? _playout;
    private Playout? _former;
    private Playout? _last;
    private PlayoutOutcome _outcome;
    private ulong _undecodedBefore;
    private ulong _lateBefore;

    public ulong Undecoded => _undecodedBefore + (_playout?.Undecoded ?? 0) + (_former?.Undecoded ?? 0);

    public ulong LateOrDuplicate => _lateBefore + (_playout?.LateOrDuplicate ?? 0) + (_former?.LateOrDuplicate ?? 0);

    /// <summary>The last decoded frame.</summary>
    public FrameSpread Frame => _last!.Frame;

    public TimeSpan Delay => _playout?.Delay ?? TimeSpan.Zero;

    /// <summary>Something of the source before is left to be played.</summary>
    public bool HasFormer => _former is not null;

    /// <summary>As <see cref="Playout.Put"/>.</summary>
    public bool Put(bool former, ushort sequence, uint timestamp, AudioCodec? codec, ReadOnlySpan<byte> payload)
    {
        var playout = former && _former is not null ? _former : _playout ??= new Playout(settings);
        return playout.Put(sequence, timestamp, codec, payload);
    }

    /// <summary>A packet that comes after its source has been replaced, and after its turn.</summary>
    public void CountLate() => _lateBefore++;

    /// <summary>What comes next is of another source.</summary>
    public void Follow()
    {
        if (_playout is null) return;
        if (_outcome == PlayoutOutcome.Silent)
        {
            _playout.Reset();
            return;
        }

        if (_former is { } older) End(older);
        (_former, _playout) = (_playout, Playout.After(_playout, settings));
    }

    /// <summary>The source before goes on, and the newer one was the exception.</summary>
    public void Return()
    {
        var former = _former!;
        if (_playout is { } newer) End(newer);
        (_playout, _former) = (former, null);
    }

    /// <summary>As <see cref="Playout.Take"/>.</summary>
    public PlayoutOutcome Take(bool decode) => _outcome = TakeNext(decode);

    /// <summary>The source says goodbye, and is not waited for any more (RFC 3550 §6.6).</summary>
    public void SayGoodbye(bool former) => (former ? _former : _playout)?.End();

    /// <summary>What waits to be played is thrown away.</summary>
    public void Reset()
    {
        if (_former is { } former) End(former);
        _playout?.Reset();
        _outcome = PlayoutOutcome.Silent;
    }

    public void Dispose()
    {
        _former?.Dispose();
        _playout?.Dispose();
    }

    private PlayoutOutcome TakeNext(bool decode)
    {
        if (_former is { } former && (former.HasMore || _playout is not { HasMore: true }))
        {
            var outcome = former.Take(decode);
            if (outcome != PlayoutOutcome.Silent)
            {
                _playout?.Wait();
                _last = former;
                return outcome;
            }
        }

        if (_former is { } over)
        {
            if (!over.HasMore) _playout?.BeginNow();
            End(over);
        }

        _last = _playout;
        return _playout?.Take(decode) ?? PlayoutOutcome.Silent;
    }

    private void End(Playout over)
    {
        _undecodedBefore += over.Undecoded;
        _lateBefore += over.LateOrDuplicate;
        over.Dispose();
        if (ReferenceEquals(over, _former)) _former = null;
    }
}
