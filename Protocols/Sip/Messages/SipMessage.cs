namespace ConfCluster.Protocols.Sip.Messages;

/// <summary>A SIP request or response (RFC 3261 §7). Content-Length is not among the headers: the writer computes it.</summary>
public abstract record SipMessage
{
    private protected SipMessage()
    {
    }

    public SipHeaders Headers { get; init; } = SipHeaders.Empty;

    public SipBody Body { get; init; } = SipBody.Empty;
}

/// <summary>A request (RFC 3261 §7.1).</summary>
public sealed record SipRequest(SipMethod Method, SipUri RequestUri) : SipMessage
{
    /// <summary>
    /// The skeleton of a response (RFC 3261 §8.2.6.2): Via, From, To, Call-ID, CSeq and Timestamp copied, and
    /// <paramref name="toTag"/> added to To when it has none. The values are copied as they were written, readable or not.
    /// </summary>
    public SipResponse CreateResponse(int status, string? reason = null, string? toTag = null)
    {
        var headers = SipHeaders.Empty;
        foreach (var field in Headers.Fields)
        {
            if (field.Name is "Via" or "From" or "Call-ID" or "CSeq" or "Timestamp") headers = headers.Append(field.Name, field.Value);
            else if (field.Name is "To")
                headers = headers.Append("To", toTag is null || Headers.To.Tag is not null ? field.Value : $"{field.Value};tag={toTag}");
        }

        return new SipResponse(status, reason ?? StatusCode.Reason(status)) { Headers = headers };
    }

    public override string ToString() => $"{Method} {RequestUri}";
}

/// <summary>A response (RFC 3261 §7.2).</summary>
public sealed record SipResponse(int StatusCode, string Reason) : SipMessage
{
    /// <summary>1 for 1xx … 6 for 6xx.</summary>
    public int Class => StatusCode / 100;

    public bool IsFinal => StatusCode >= 200;

    public override string ToString() => $"{StatusCode} {Reason}";
}
