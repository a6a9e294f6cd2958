using System.Collections.Immutable;
using ConfCluster.Protocols.Rtp;

namespace ConfCluster.Protocols.Conference;

/// <summary>
/// How a mixer is joined to the other mixers of its conference: it sends what its own legs say to each of them, under one key of its own, and never what it
/// hears from one of them, so that nothing goes round. Keys are told beside it.
/// </summary>
/// <param name="Generation">Grows when the set of mixers is another, and with each life of the conference: each has keys and SSRCs of its own.</param>
/// <param name="Peers">All others, by number; one that leaves gently and its successor have the same.</param>
public sealed record TrunkPlan(long Generation, ImmutableArray<TrunkPeer> Peers)
{
    /// <summary>Generations of one life of a conference, as bits.</summary>
    private const int LifeBits = 20;

    /// <summary>The first generation of a life.</summary>
    public static long First(Incarnation life) => life.Number << LifeBits;

    /// <summary>
    /// Under which a mixer sends to the others. A session between mixers only, so it need not be in the conference's register: its keys are used for nothing else,
    /// and the places make it another for each mixer and generation.
    /// </summary>
    /// <param name="place">As <see cref="PlaceOf"/>, below 16.</param>
    public static Ssrc SsrcOf(long generation, int place) => new(unchecked((uint)((ulong)generation * 2_654_435_761) << 4) | (uint)(place + 1) & 0xF);

    /// <summary>The place of a mixer among all of the plan, in the order of numbers and incarnations.</summary>
    /// <param name="self">Whose plan it is.</param>
    public int PlaceOf(MixerId mixer, MixerId self)
    {
        var place = IsBefore(self, mixer) ? 1 : 0;
        foreach (var peer in Peers)
            if (IsBefore(peer.Mixer, mixer))
                place++;
        return place;
    }

    private static bool IsBefore(MixerId one, MixerId other) => (one.Number, one.Incarnation).CompareTo((other.Number, other.Incarnation)) < 0;

    public bool Equals(TrunkPlan? other) => other is not null && Generation == other.Generation && Peers.AsSpan().SequenceEqual(other.Peers.AsSpan());

    public override int GetHashCode() => HashCode.Combine(Generation, Peers.Length);
}

/// <param name="Address">Where it takes what others send to it; null: it has not said yet, so it is as before.</param>
public readonly record struct TrunkPeer(MixerId Mixer, MediaAddress? Address);

/// <summary>What a mixer says of its flows to and from other mixers.</summary>
/// <param name="Address">Where it takes them; null: nowhere yet.</param>
/// <param name="Generation">The newest whose keys it has; 0: none.</param>
/// <param name="Received">Packets that were authentic.</param>
/// <param name="Refused">Packets that were not, or of nobody known.</param>
public readonly record struct TrunkReport(MediaAddress? Address, long Generation, ulong Sent = 0, ulong Received = 0, ulong Refused = 0)
{
    /// <summary>How long what comes from the slowest of them waits before it is mixed, in milliseconds.</summary>
    public uint DelayMilliseconds { get; init; }
}
