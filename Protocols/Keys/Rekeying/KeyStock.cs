namespace ConfCluster.Protocols.Keys.Rekeying;

/// <summary>Who makes the group keys of a conference (3GPP pCR 5.3.2.1.1 leaves it open). Values are stored: never renumber.</summary>
public enum KeySource : byte { Focus = 0, Kms = 1 }

/// <summary>
/// Keys that somebody else made, which wait here for their epochs. An epoch begins with one of them or not at all; a rekeying that finds none waits, and its
/// deadline runs all the same (K4).
/// </summary>
/// <param name="Left">How many no epoch has taken yet.</param>
/// <param name="MayMakeOwn">When none has come in half the distribution timeout, the focus makes one, so that legs have it by the deadline.</param>
public readonly record struct KeyStock(int Left, bool MayMakeOwn);
