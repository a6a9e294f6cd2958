using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Xunit;

namespace ConfCluster.Interop.Tests;

/// <summary>A node that may call phones on this machine and follows their redirects.</summary>
public class DiallingNode : NodeUnderTest
{
    private static readonly HttpClient Api = new();

    protected override IEnumerable<string> Settings =>
        ["sip.outbound.redirects=follow", $"sip.outbound.credentials-file={Path.Combine(AppContext.BaseDirectory, "Sipp", "credentials.txt")}"];

    public static int FreeUdpPort()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }

    /// <summary>The verb itself: its exit status and what it printed.</summary>
    public async Task<(int ExitCode, string Output)> InviteAsync(string conference, string uri, params string[] more)
    {
        using var verb = await ChildProcess.RunAsync(
            "dotnet", [HostAssembly, "conference", "invite", conference, uri, "--url", $"http://127.0.0.1:{HttpPort}", .. more],
            TimeSpan.FromSeconds(60));
        return (verb.ExitCode, verb.Output);
    }

    /// <summary>The states of those who were invited, in order.</summary>
    public async Task<IReadOnlyList<string>> InvitationsAsync(string conference)
    {
        using var json = JsonDocument.Parse(await Api.GetStringAsync($"http://127.0.0.1:{HttpPort}/api/v1/conferences/{conference}"));
        return [.. json.RootElement.GetProperty("invitations").EnumerateArray().Select(i => i.GetProperty("state").GetString()!)];
    }
}

[CollectionDefinition("dialling node")]
public sealed class SharedDiallingNode : ICollectionFixture<DiallingNode>;
