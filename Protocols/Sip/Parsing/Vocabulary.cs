namespace ConfCluster.Protocols.Sip.Parsing;

/// <summary>Words that nearly every message has, so that reading them makes no new string.</summary>
internal static class Vocabulary
{
    /// <summary>Names and values of parameters, and whole values of header fields.</summary>
    public static string Word(ReadOnlySpan<char> text) => text switch
    {
        "tag" => "tag",
        "branch" => "branch",
        "rport" => "rport",
        "received" => "received",
        "lr" => "lr",
        "ob" => "ob",
        "transport" => "transport",
        "user" => "user",
        "expires" => "expires",
        "q" => "q",
        "refresher" => "refresher",
        "+sip.instance" => "+sip.instance",
        "reg-id" => "reg-id",
        "isfocus" => "isfocus",
        "" => "",
        "udp" => "udp",
        "tcp" => "tcp",
        "tls" => "tls",
        "phone" => "phone",
        "uac" => "uac",
        "uas" => "uas",
        "0" => "0",
        "69" => "69",
        "70" => "70",
        "application/sdp" => "application/sdp",
        "1 INVITE" => "1 INVITE",
        "1 ACK" => "1 ACK",
        "2 BYE" => "2 BYE",
        _ => text.ToString(),
    };
}
