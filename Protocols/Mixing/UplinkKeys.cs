using System.Collections.Immutable;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Rtp;
using ConfCluster.Protocols.Srtp;

namespace ConfCluster.Protocols.Mixing;

/// <summary>
/// What opens a participant's packets: the keys of the newest offer and answer, and for a while those before it, since packets under them are still on
/// their way (RFC 3264 §8.3.1 for a stream that moves). Owns them; keys whose time is over are zeroed.
/// </summary>
/// <param name="guesses">For sources that run already; null: none does.</param>
internal sealed class UplinkKeys(RolloverGuesses? guesses = null) : IDisposable
{
    /// <summary>SSRCs a participant may use under one key. A source is never forgotten under it: its packets could be replayed.</summary>
    public const int MaxSources = 16;

    /// <summary>So much a forged packet costs at most: as many tags more.</summary>
    private const int MaxFormer = 4;

    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(2);

    private readonly List<(Context Context, TimeSpan? Until)> _former = [];
    private ImmutableArray<UplinkIndex> _resumes = [];
    private Context? _newest;
    private Context? _group;

    /// <summary>How many sets of former keys still open packets.</summary>
    public int FormerCount => _former.Count;

    /// <summary>Takes ownership. The same keys are no news; others at the same address go on with ROC and replay windows (RFC 3711 §3.3.1).</summary>
    /// <param name="moved">New keys at a new address are a new crypto context (RFC 4568 §7.1.4).</param>
    public void Use(ImmutableArray<MasterKey> keys, bool moved)
    {
        if (_newest is { } newest && newest.Ring.Holds(keys.AsSpan()))
        {
            foreach (var key in keys) key.Dispose();
            return;
        }

        var ring = new KeyRing(keys[0].Profile);
        foreach (var key in keys) ring.Install(key);
        var before = _newest;
        _newest = before is null || moved
            ? new Context(ring, new SrtpReceiver(ring, MaxSources) { Guesses = guesses }, new SrtcpReceiver(ring, MaxSources))
            : new Context(ring, before.Rtp.Beside(ring), before.Rtcp.Beside(ring));
        if (before is null)
        {
            Resume(_resumes);
            return;
        }

        _former.Insert(0, (before, null));
        if (_former.Count > MaxFormer) Drop(MaxFormer);
    }

    /// <summary>
    /// Takes ownership of a key of the group that it may send with as well; its sources and their windows are those of its own keys (RFC 3711 §3.3.1).
    /// </summary>
    public void Share(MasterKey key)
    {
        if (_group is null)
        {
            var ring = new KeyRing(key.Profile);
            _group = new Context(ring, _newest!.Rtp.Beside(ring), _newest.Rtcp.Beside(ring));
        }

        if (_group.Ring.Profile == key.Profile && !_group.Ring.Contains(key.Mki)) _group.Ring.Install(key);
        else key.Dispose();
    }

    /// <summary>Whether that key was shared.</summary>
    public bool Shares(Mki key) => _group?.Ring.Contains(key) == true;

    /// <summary>Zeroes shared keys that are not among these.</summary>
    public void Unshare(Func<Mki, bool> isKept)
    {
        if (_group is null) return;
        foreach (var mki in _group.Ring.Names().Where(m => !isKept(m)).ToList()) _group.Ring.Destroy(mki);
    }

    /// <summary>Where another mixer was with these sources, before or after the first keys.</summary>
    public void Resume(ImmutableArray<UplinkIndex> indices)
    {
        _resumes = indices;
        if (_newest is not { } newest) return;
        foreach (var index in indices) newest.Rtp.Resume(index.Source, new PacketIndex(index.Highest));
    }

    /// <summary>How far the sources under the newest keys have come.</summary>
    public int CopyHighest(Span<(Ssrc Source, PacketIndex Highest)> into) => _newest?.Rtp.CopyHighest(into) ?? 0;

    /// <summary>Opens in place. What no key opens is told of as by the newest.</summary>
    /// <param name="highest">Of its source, this packet included; meaningless after an error.</param>
    public UnprotectError Open(Span<byte> packet, out RtpHeader header, out int length, out PacketIndex highest)
    {
        if (_group is { } group && group.Rtp.Unprotect(packet, out header, out length, out highest) is var shared and not UnprotectError.UnknownMki) return shared;
        var error = _newest!.Rtp.Unprotect(packet, out header, out length, out highest);
        for (var i = 0; i < _former.Count && IsOtherKey(error); i++)
            if (_former[i].Context.Rtp.Unprotect(packet, out header, out length, out highest) == UnprotectError.None)
                error = UnprotectError.None;
        return error;
    }

    /// <summary>Opens in place, as <see cref="Open"/>.</summary>
    public UnprotectError OpenRtcp(Span<byte> packet, out int length)
    {
        if (_group is { } group && group.Rtcp.Unprotect(packet, out length) is var shared and not UnprotectError.UnknownMki) return shared;
        var error = _newest!.Rtcp.Unprotect(packet, out length);
        for (var i = 0; i < _former.Count && IsOtherKey(error); i++)
            if (_former[i].Context.Rtcp.Unprotect(packet, out length) == UnprotectError.None)
                error = UnprotectError.None;
        return error;
    }

    /// <summary>Keys that were replaced since the last call count their time from this one.</summary>
    public void Age(TimeSpan now)
    {
        for (var i = FormerCount - 1; i >= 0; i--)
        {
            if (_former[i].Until is not { } until) _former[i] = (_former[i].Context, now + Grace);
            else if (until <= now) Drop(i);
        }
    }

    public void Dispose()
    {
        while (_former.Count > 0) Drop(0);
        _newest?.Ring.Dispose();
        _group?.Ring.Dispose();
    }

    private void Drop(int at)
    {
        _former[at].Context.Ring.Dispose();
        _former.RemoveAt(at);
    }

    /// <summary>Another suite has another length, so it may look like anything.</summary>
    private static bool IsOtherKey(UnprotectError error) =>
        error is UnprotectError.UnknownMki or UnprotectError.TagMismatch or UnprotectError.Malformed or UnprotectError.NotEncrypted;

    private sealed record Context(KeyRing Ring, SrtpReceiver Rtp, SrtcpReceiver Rtcp);
}
