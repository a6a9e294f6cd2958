using System.Buffers.Text;

namespace ConfCluster.Protocols.Sdp;

/// <summary>
/// a=key-mgmt (RFC 4567 §3.1): a key management protocol's name and its message. The message never becomes text: a careless peer may have put keys
/// into it in the clear. Compared by value.
/// </summary>
public sealed class KeyManagementLine : IEquatable<KeyManagementLine>
{
    public const string Mikey = "mikey";

    private const int MaxProtocol = 64;
    private readonly byte[] _message;

    private KeyManagementLine(string protocol, byte[] message) => (Protocol, _message) = (protocol, message);

    /// <summary>Case-sensitive.</summary>
    public string Protocol { get; }

    public ReadOnlySpan<byte> Message => _message;

    public static KeyManagementLine Of(string protocol, ReadOnlySpan<byte> message) => new(protocol, message.ToArray());

    public bool Equals(KeyManagementLine? other) => other is not null && Protocol == other.Protocol && Message.SequenceEqual(other.Message);

    public override bool Equals(object? obj) => Equals(obj as KeyManagementLine);

    public override int GetHashCode() => HashCode.Combine(Protocol, _message.Length);

    public override string ToString() => $"<key-mgmt {Protocol}, {_message.Length} octets>";

    /// <summary>RFC 4567 §3.1: [SP] prtcl-id SP base64 data. Null: not that.</summary>
    /// <param name="value">Behind "key-mgmt:".</param>
    internal static KeyManagementLine? Read(ReadOnlySpan<byte> value)
    {
        value = value.Trim((byte)' ');
        var space = value.IndexOf((byte)' ');
        if (space is <= 0 or > MaxProtocol) return null;
        var protocol = SdpReader.Text(value[..space]);
        var text = value[(space + 1)..].TrimStart((byte)' ');
        var message = new byte[Base64.GetMaxDecodedFromUtf8Length(text.Length)];
        return Base64.DecodeFromUtf8(text, message, out _, out var length) == System.Buffers.OperationStatus.Done && length > 0
            ? new KeyManagementLine(protocol, message[..length])
            : null;
    }

    internal void Write(SdpBuffer output)
    {
        output.Text($"a=key-mgmt:{Protocol} ");
        output.Base64(_message);
        output.Line("");
    }
}
