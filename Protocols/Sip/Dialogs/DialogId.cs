namespace ConfCluster.Protocols.Sip.Dialogs;

/// <summary>Call-ID, our tag and the peer's (RFC 3261 §12); the peer's is empty for an RFC 2543 one without a tag (RFC 3261 §12.1.1).</summary>
public readonly record struct DialogId(string CallId, string LocalTag, string RemoteTag);
