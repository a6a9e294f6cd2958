using ConfCluster.Protocols.Rtp;

namespace ConfCluster.Protocols.Srtp;

/// <summary>
/// Opens SRTP packets of one peer (RFC 3711 §3.3): per source an index and a replay window, taken only by an authenticated packet. Keys
/// may change under it (<see cref="Use"/>): the sources' state stays. Left out: a key derivation rate other than 0.
/// </summary>
public sealed class SrtpReceiver
{
    private readonly SourceWindows _sources;
    private KeyRing _ring;

    /// <param name="maxSources">SSRCs that one peer may use at a time; more are refused.</param>
    public SrtpReceiver(KeyRing ring, int maxSources) : this(ring, new SourceWindows(maxSources))
    {
    }

    private SrtpReceiver(KeyRing ring, SourceWindows sources) => (_ring, _sources) = (ring, sources);

    /// <summary>For sources that run already when they are first heard; null: they begin with ROC 0 (RFC 3711 §3.3.1).</summary>
    public RolloverGuesses? Guesses { get; init; }

    public int SourceCount => _sources.Count;

    /// <summary>Other keys from now on; ROC and windows stay (RFC 3711 §3.3.1).</summary>
    public void Use(KeyRing ring) => _ring = ring;

    /// <summary>The same sources under other keys, beside this one: an index that either has taken is a replay for both.</summary>
    public SrtpReceiver Beside(KeyRing ring) => new(ring, _sources) { Guesses = Guesses };

    /// <summary>Opens in place; <paramref name="length"/> is header and payload, without MKI and tag.</summary>
    public UnprotectError Unprotect(Span<byte> packet, out RtpHeader header, out int length) => Unprotect(packet, out header, out length, out _);

    /// <summary>Opens in place; <paramref name="length"/> is header and payload, without MKI and tag.</summary>
    /// <param name="newest">The highest index of its source, this packet included; meaningless after an error.</param>
    public UnprotectError Unprotect(Span<byte> packet, out RtpHeader header, out int length, out PacketIndex newest)
    {
        (length, newest) = (0, default);
        var tail = SrtpTail.Rtp(_ring.Profile, _ring.MkiLength);
        if (!RtpHeader.TryRead(packet, out header, out _) || packet.Length < header.Length + tail.Length || packet.Length > SrtpOverhead.MaxPacket)
            return UnprotectError.Malformed;

        var body = packet[..^tail.Length];
        if (_ring.Find(packet.Slice(body.Length + tail.Mki, _ring.MkiLength)) is not { } keys) return UnprotectError.UnknownMki;

        // The SSRC is still anybody's claim, so this works on a copy and stores nothing.
        var source = _sources.Find(header.Ssrc);
        if (source is null && _sources.IsFull) return UnprotectError.TooManySources;
        var window = source?.Window ?? default;
        var highest = new PacketIndex(window.Highest);
        var index = source is not null ? PacketIndex.Estimate(highest, header.Sequence)
            : Guesses?.First(header.Ssrc, header.Sequence) ?? new PacketIndex(0, header.Sequence);
        if (source is not null && index.IsBeforeStart(highest)) return UnprotectError.TooOld;

        // RFC 3711 §3.3, receiver steps 5 to 7, in this order: replay check, tag, decryption, commit.
        if (!window.Accepts(index.Value)) return window.IsTooOld(index.Value) ? UnprotectError.TooOld : UnprotectError.Replayed;
        var tag = packet.Slice(body.Length + tail.Tag, _ring.Profile.RtpTagLength);
        var isOpen = keys.Rtp.TryOpen(body, header.Length, header.Ssrc, index.Value, index.Roc, tag);
        if (!isOpen && (source is not null || Guesses is null || !TryOthers(keys, body, header, tag, ref index))) return UnprotectError.TagMismatch;
        window.Commit(index.Value);
        if (source is not null) source.Window = window;
        else _sources.Add(header.Ssrc, window);
        newest = new PacketIndex(window.Highest);
        length = body.Length;
        return UnprotectError.None;
    }

    /// <summary>The packet under other ROCs than the one that was tried; a failure leaves it as it was.</summary>
    private bool TryOthers(SessionKeys keys, Span<byte> body, in RtpHeader header, ReadOnlySpan<byte> tag, ref PacketIndex index)
    {
        Span<uint> rocs = stackalloc uint[RolloverGuesses.Most];
        var count = Guesses!.Others(index.Roc, rocs);
        if (count == 0) return false;
        foreach (var roc in rocs[..count])
        {
            var guess = new PacketIndex(roc, header.Sequence);
            if (!keys.Rtp.TryOpen(body, header.Length, header.Ssrc, guess.Value, guess.Roc, tag)) continue;
            Guesses.Settle(found: true);
            index = guess;
            return true;
        }

        Guesses.Settle(found: false);
        return false;
    }

    /// <summary>The highest authenticated index of a source.</summary>
    public bool TryGetHighest(Ssrc ssrc, out PacketIndex index)
    {
        var source = _sources.Find(ssrc);
        index = new PacketIndex(source?.Window.Highest ?? 0);
        return source is not null;
    }

    /// <summary>The highest authenticated index of each source, as many as there is room for; returns how many.</summary>
    public int CopyHighest(Span<(Ssrc Source, PacketIndex Highest)> into)
    {
        var count = Math.Min(into.Length, _sources.Count);
        for (var i = 0; i < count; i++) into[i] = (_sources[i].Ssrc, new PacketIndex(_sources[i].Window.Highest));
        return count;
    }

    /// <summary>
    /// Goes on where another receiver ended: only later packets of that source are taken. Never goes back: a source that has come farther stays where it is.
    /// </summary>
    public void Resume(Ssrc ssrc, PacketIndex highest)
    {
        if (highest.Value >= PacketIndex.Limit) return;
        var source = _sources.Find(ssrc);
        if (source is not null ? highest.Value <= source.Window.Highest : _sources.IsFull) return;
        if (source is not null) source.Window = ReplayWindow.ResumedAt(highest.Value);
        else _sources.Add(ssrc, ReplayWindow.ResumedAt(highest.Value));
    }

    /// <summary>
    /// Frees the place of a source. Its replay window goes too, so under the same key its old packets would open again: only together with
    /// a change of keys (RFC 3711 §3.3.2).
    /// </summary>
    public void Remove(Ssrc ssrc) => _sources.Remove(ssrc);
}
