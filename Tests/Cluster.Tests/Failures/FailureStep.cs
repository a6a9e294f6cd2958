namespace ConfCluster.Cluster.Tests.Failures;

/// <summary>How far an epoch has come when something fails. What a test sees of it from outside stands in <see cref="FailureScene.HoldAsync"/>.</summary>
public enum FailureStep
{
    /// <summary>Everybody is under one epoch and no other is on its way.</summary>
    Settled,

    /// <summary>A new one is stored and nobody has heard of it: the node that would tell the phones stands still.</summary>
    Stored,

    /// <summary>One phone took it and is under it, the other has not answered yet: it stands still.</summary>
    HalfTaken,

    /// <summary>All are under it, and the one before is still kept for packets that are late.</summary>
    Retiring,
}

/// <summary>What happens to a node.</summary>
public enum FailureKind
{
    /// <summary>SIGKILL.</summary>
    Kill,

    /// <summary>SIGSTOP, and SIGCONT after 15 s: longer than the cluster waits, so it comes back as a zombie.</summary>
    Freeze,

    /// <summary>SIGSTOP, and SIGCONT after 2 s: longer than conferences and lanes wait for each other, and shorter than the cluster does.</summary>
    Pause,
}

/// <summary>Whose node fails: it has that role and no other, and what is tried lives there.</summary>
public enum FailureRole
{
    Sip,
    Focus,
    Media,
}
