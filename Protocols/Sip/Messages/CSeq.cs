namespace ConfCluster.Protocols.Sip.Messages;

/// <summary>CSeq (RFC 3261 §20.16): below 2^31.</summary>
public readonly record struct CSeq(uint Number, SipMethod Method)
{
    public override string ToString() => $"{Number} {Method}";
}
