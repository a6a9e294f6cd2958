namespace ConfCluster.Protocols.Sip.Messages;

/// <summary>One Via value (RFC 3261 §20.42): the transport is upper case ("UDP"), the host as written (IPv6 with brackets).</summary>
public sealed record Via(string Transport, string Host, int? Port, SipParameters Parameters)
{
    /// <summary>RFC 3261 §8.1.1.7: a branch of an RFC 3261 element starts with this.</summary>
    public const string MagicCookie = "z9hG4bK";

    public string? Branch => Parameters["branch"];

    public string? Received => Parameters["received"];

    /// <summary>RFC 3581 §3: present without a value in a request that asks for it.</summary>
    public bool WantsRport => Parameters.Has("rport");

    public override string ToString() => Parsing.SipWriter.Write(this);
}
