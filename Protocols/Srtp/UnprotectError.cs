namespace ConfCluster.Protocols.Srtp;

/// <summary>Why a packet was not opened; each value is a counter, none changes state.</summary>
public enum UnprotectError : byte
{
    None, Malformed, UnknownMki, Replayed, TooOld, TagMismatch, TooManySources, KeyExhausted, NotEncrypted,
}
