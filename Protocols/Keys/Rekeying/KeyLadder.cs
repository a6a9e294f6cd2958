namespace ConfCluster.Protocols.Keys.Rekeying;

/// <summary>
/// Keys of epochs to come that legs are told in advance (rungs), so that the next epoch begins without a word to whoever has taken them. Nobody who was sent
/// a ladder and has left may ever profit: then none of its rungs begins any more (K1).
/// </summary>
/// <param name="Base">The epoch whose offers and answers told it first.</param>
/// <param name="Top">The last rung; the epochs between are the others.</param>
public sealed record KeyLadder(KeyEpoch Base, KeyEpoch Top)
{
    /// <summary>With so many rungs all keys that a leg can have at once are 14 in one line of SDP; libsrtp takes 16.</summary>
    public const int MaxRungs = 9;

    /// <summary>Of its keys.</summary>
    public KeySource Source { get; init; }

    /// <summary>Has a rung above the newest epoch.</summary>
    public bool IsLeft(KeyEpoch last) => Top > last;
}
