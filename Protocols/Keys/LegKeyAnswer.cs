namespace ConfCluster.Protocols.Keys;

/// <summary>What a participant says of a group key. Values travel between nodes: never renumber.</summary>
public enum LegKeyAnswer : byte
{
    Unknown = 0,

    /// <summary>Its dialog is confirmed, and with it the key of our answer, if that had one: from now on it can be sent offers.</summary>
    Ready = 1,

    /// <summary>2xx to the offer of that epoch's key.</summary>
    Took = 2,

    /// <summary>Glare, or the peer asked for time: the same again after the wait (RFC 3261 §14.1).</summary>
    NotNow = 3,

    /// <summary>It will not take new keys (488, 504, an answer that does not accept the line).</summary>
    Refused = 4,

    /// <summary>All its keys were lost with its node and its mixer: it is told others of its own, and those of the group that it had are in its SDP no more.</summary>
    Anew = 5,
}
