namespace ConfCluster.Protocols.Sip.Messages;

/// <summary>
/// A message body as it was received or is to be sent. An SDP body may hold keys, so it prints its length only; the owner of the
/// message calls <see cref="Clear"/> after the last use (for a response: after its last retransmission).
/// </summary>
public sealed class SipBody(byte[] content)
{
    public static readonly SipBody Empty = new([]);

    private readonly byte[] _content = content;

    public int Length => _content.Length;

    public bool IsEmpty => _content.Length == 0;

    public ReadOnlySpan<byte> Span => _content;

    /// <summary>For another owner, who clears it on its own account.</summary>
    public SipBody Copy() => IsEmpty ? Empty : new SipBody(_content.ToArray());

    public void Clear() => System.Security.Cryptography.CryptographicOperations.ZeroMemory(_content);

    public override string ToString() => $"<body, {_content.Length} bytes>";
}
