using System.Security.Cryptography;
using System.Text;
using ConfCluster.Protocols.Sip.Messages;

namespace ConfCluster.Protocols.Sip.Transactions;

/// <summary>
/// The To tag of a response that leaves no state behind: the same for every copy of the request (RFC 3261 §8.2.7). It names no dialog,
/// so it needs no secret, and it can never pass for a tag of a participant.
/// </summary>
public static class StatelessTag
{
    public static string Of(SipRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        var headers = request.Headers;
        var text = $"{headers.First("Call-ID")}\n{headers.First("From")}\n{headers.First("CSeq")}\n{headers.TopVia?.Branch}";
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)).AsSpan(0, 8));
    }
}
