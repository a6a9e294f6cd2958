using System.Collections.Immutable;
using System.Net;
using ConfCluster.Protocols.Focus;
using ConfCluster.Protocols.Sip.Authentication;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Parsing;

namespace ConfCluster.Actors.Settings;

/// <summary>The settings of calls that the focus makes.</summary>
internal static class OutboundReader
{
    private const int DnsPort = 53;

    public static OutboundPolicy Read(SettingsScope read) => new()
    {
        Allow = read.Readable<CalleePattern>("sip.outbound.allow", "patterns user@host with * for anything", CalleePattern.TryRead),
        Route = read.Readable<NameAddr>("sip.outbound.proxy", "SIP URIs of proxies, the nearest first, such as \"sip:proxy.example;lr\"", TryProxy),
        FollowsRedirects = read.OneOf("sip.outbound.redirects", ("follow", true), ("refuse", false)),
        Credentials = ReadCredentials(read),
        RingTimeout = read.Duration("sip.outbound.ring-timeout", TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(180)),
    };

    private static ImmutableArray<DigestAccount> ReadCredentials(SettingsScope read)
    {
        const string Path = "sip.outbound.credentials-file";
        var file = read.Text(Path);
        if (file.Length == 0) return [];
        var credentials = CredentialsFile.Read(file, out var problem);
        return problem is null ? credentials : read.Refuse(Path, file, $"a file of lines user:realm:password ({problem})", credentials);
    }

    public static bool TryServer(string text, out IPEndPoint? server)
    {
        if (!IPEndPoint.TryParse(text, out server)) return false;
        if (server.Port == 0) server.Port = DnsPort;
        return true;
    }

    private static bool TryProxy(string text, out NameAddr? proxy)
    {
        proxy = SipReader.TryReadUri(text, out var uri) && uri!.IsSip ? new NameAddr(uri) : null;
        return proxy is not null;
    }
}
