using System.Buffers;
using ConfCluster.Protocols.Sip.Messages;

namespace ConfCluster.Protocols.Sip.Parsing;

/// <summary>Placeholder of the contract; the SIP wire work replaces it.</summary>
public static class SipWriter
{
    /// <summary>Writes start line, headers in their order, Content-Length, body.</summary>
    public static void Write(SipMessage message, IBufferWriter<byte> output) => throw new NotSupportedException();

    public static byte[] ToBytes(SipMessage message)
    {
        var buffer = new ArrayBufferWriter<byte>(1024);
        Write(message, buffer);
        return buffer.WrittenSpan.ToArray();
    }

    public static string Write(SipUri uri) => throw new NotSupportedException();

    public static string Write(NameAddr address) => throw new NotSupportedException();

    public static string Write(Via via) => throw new NotSupportedException();
}
