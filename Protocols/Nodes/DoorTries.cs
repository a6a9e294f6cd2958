namespace ConfCluster.Protocols.Nodes;

/// <summary>What happens when a connection to a node's inner interface is tried.</summary>
public enum Door : byte
{
    /// <summary>Nothing comes back, or that there is no way: its machine may be gone, or the network.</summary>
    Silent,

    /// <summary>Somebody listens, also when it has been stopped.</summary>
    Open,

    /// <summary>Its machine says that nobody listens there (RFC 9293 §3.5.2: a reset in answer to a SYN).</summary>
    Refuses,
}

/// <summary>What the tries at a door amount to.</summary>
public enum DoorVerdict : byte
{
    /// <summary>It is to be tried again after <see cref="DoorTries.Every"/>.</summary>
    TryAgain,

    /// <summary>Whoever had it has ended.</summary>
    Ended,

    /// <summary>Nothing is known of its end; what else watches over it decides.</summary>
    Unknown,
}

/// <summary>
/// The tries at the door of a node whose connection broke. One refusal says nothing, since a program may be beginning again just then; and one that ends may let its
/// connections go before its port, so an open door is tried for a while.
/// </summary>
/// <param name="Tries">So far.</param>
/// <param name="Refusals">Of those, in a row and to the last.</param>
public readonly record struct DoorTries(int Tries, int Refusals)
{
    /// <summary>As many in a row mean its end.</summary>
    public const int Enough = 2;

    /// <summary>No more than that.</summary>
    public const int Most = 15;

    public static readonly TimeSpan Every = TimeSpan.FromMilliseconds(100);

    public (DoorTries Next, DoorVerdict Verdict) Tried(Door door)
    {
        var next = new DoorTries(Tries + 1, door == Door.Refuses ? Refusals + 1 : 0);
        return (next, next.Refusals >= Enough ? DoorVerdict.Ended : next.Tries >= Most ? DoorVerdict.Unknown : DoorVerdict.TryAgain);
    }
}
