using System.Collections.Immutable;
using ConfCluster.Protocols.Sip.Messages;

namespace ConfCluster.Protocols.Sip.Parsing;

/// <summary>Placeholder of the contract; the SIP wire work replaces it.</summary>
public static class SipReader
{
    /// <summary>
    /// Reads one whole message (a datagram, or a frame from <c>SipFramer</c>). False with <paramref name="error"/>; then
    /// <paramref name="message"/> is non-null only when it is a request with enough of Via, From, To, Call-ID and CSeq to be answered 400.
    /// </summary>
    public static bool TryRead(ReadOnlySpan<byte> bytes, out SipMessage? message, out SipError error) => throw new NotSupportedException();

    /// <summary>An addr-spec URI alone.</summary>
    public static bool TryReadUri(ReadOnlySpan<char> text, out SipUri? uri) => throw new NotSupportedException();

    internal static ImmutableArray<Via> Vias(SipHeaders headers) => throw new NotSupportedException();

    internal static ImmutableArray<NameAddr> Addresses(SipHeaders headers, string name) => throw new NotSupportedException();

    internal static NameAddr Address(string value) => throw new NotSupportedException();

    internal static CSeq CSeq(string value) => throw new NotSupportedException();

    internal static string? MediaType(string? value) => throw new NotSupportedException();
}
