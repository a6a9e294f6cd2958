namespace ConfCluster.Protocols.Sip.Messages;

/// <summary>A method token (RFC 3261 §7.1); compared with case (RFC 3261 §7.1: method names are case-sensitive).</summary>
public readonly record struct SipMethod(string Name)
{
    public static readonly SipMethod Invite = new("INVITE");
    public static readonly SipMethod Ack = new("ACK");
    public static readonly SipMethod Bye = new("BYE");
    public static readonly SipMethod Cancel = new("CANCEL");
    public static readonly SipMethod Options = new("OPTIONS");
    public static readonly SipMethod Register = new("REGISTER");
    public static readonly SipMethod Update = new("UPDATE");
    public static readonly SipMethod Prack = new("PRACK");
    public static readonly SipMethod Info = new("INFO");
    public static readonly SipMethod Subscribe = new("SUBSCRIBE");
    public static readonly SipMethod Notify = new("NOTIFY");
    public static readonly SipMethod Refer = new("REFER");
    public static readonly SipMethod Message = new("MESSAGE");
    public static readonly SipMethod Publish = new("PUBLISH");

    public override string ToString() => Name;
}
