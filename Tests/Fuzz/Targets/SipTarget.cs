using System.Text;
using ConfCluster.Fuzz.Structures;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Parsing;

namespace ConfCluster.Fuzz.Targets;

/// <summary>
/// The SIP reader: never throws; what it lets through has typed headers and is the same after it was written and read; what it refuses
/// with a message can be answered.
/// </summary>
public sealed class SipTarget : IFuzzTarget
{
    public string Name => "sip";

    public IEnumerable<byte[]> Seeds => Corpus.Read(Name);

    public IStructure Structure { get; } = new LineStructure(';');

    public IEnumerable<byte[]> Dictionary => Words.Select(Encoding.UTF8.GetBytes);

    private static readonly string[] Words =
    [
        "\r\n", "\r\n ", "\r\n\r\n", "SIP/2.0", " SIP/2.0\r\n", "Via: SIP/2.0/UDP [2001:db8::1]:5060;branch=z9hG4bK1\r\n", "v:", "f:", "t:", "i:",
        "CSeq: 2147483648 INVITE\r\n", "m: *\r\n", "Contact: *\r\n", "<sip:", ">", "sips:", "tel:+1", ";lr", ";tag=", "\"", "\\\"", "\\", "%00", "%C3",
        "%C3%A9", ",", ";;", "?", "@", "[::1]", "l: 4294967296\r\n", "Content-Length: 0\r\n", "Max-Forwards: 256\r\n", "é", "\0",
    ];

    public void Run(ReadOnlySpan<byte> input)
    {
        if (!SipReader.TryRead(input, out var message, out var error))
        {
            if (error.Kind == SipErrorKind.None || error.Detail.Length == 0) throw new InvalidOperationException("refused without a reason");
            if (message is SipRequest request) SipWriter.ToBytes(request.CreateResponse(400, error.Detail, "t"));
            else if (message is not null) throw new InvalidOperationException("a refused response was given out");
            return;
        }

        Touch(message!.Headers);
        var first = SipWriter.ToBytes(message);

        // Names written in full, and a space before each value, may make a message or a line longer than what is let through.
        if (first.Length > SipLimits.MessageBytes) return;
        if (!SipReader.TryRead(first, out var again, out error) && error.Kind == SipErrorKind.TooLong && LongestLine(first) > SipLimits.LineBytes) return;
        if (again is null) throw new InvalidOperationException($"own output refused: {error}");
        if (!SipWriter.ToBytes(again!).AsSpan().SequenceEqual(first)) throw new InvalidOperationException("not the same after a second reading");
    }

    private static int LongestLine(ReadOnlySpan<byte> message)
    {
        var longest = 0;
        foreach (var line in message.Split("\r\n"u8)) longest = Math.Max(longest, message[line].Length);
        return longest;
    }

    private static void Touch(SipHeaders read)
    {
        var fresh = new SipHeaders(read.Fields);
        foreach (var via in fresh.Vias) Reads(via.ToString(), t => new SipHeaders([new SipHeader("Via", t)]).Vias[0].Equals(via));
        foreach (var address in fresh.Contacts.AddRange(fresh.Routes).AddRange(fresh.RecordRoutes).Add(fresh.From).Add(fresh.To))
            Reads(address.ToString(), t => SipReader.TryReadAddress(t, out var same) && same!.Equals(address) && same.Uri.IsEquivalentTo(address.Uri));
        if (fresh.CSeq != read.CSeq || fresh.CallId.Length == 0 || fresh.MaxForwards is < 0 or > 255) throw new InvalidOperationException("typed headers differ");
        _ = fresh.ContentType;
    }

    private static void Reads(string text, Func<string, bool> same)
    {
        if (!same(text)) throw new InvalidOperationException("a value is not the same after it was written and read");
    }
}
