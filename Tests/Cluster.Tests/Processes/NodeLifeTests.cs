using System.Net;
using System.Net.Sockets;
using Xunit;

namespace ConfCluster.Cluster.Tests.Processes;

[Collection("processes")]
public sealed class NodeLifeTests : IDisposable
{
    private readonly TemporaryDirectory _data = new();

    public void Dispose() => _data.Dispose();

    [Fact]
    public async Task A_node_becomes_ready_and_says_goodbye_on_SIGTERM()
    {
        await using var node = NodeProcess.Start(_data);
        await node.UntilReadyAsync();
        await node.UntilLoggedAsync("Dial");
        Assert.Equal(HttpStatusCode.OK, (await node.Http.GetAsync(new Uri("/livez", UriKind.Relative))).StatusCode);
        Assert.Equal("[]", await node.Http.GetStringAsync(new Uri("/api/v1/conferences", UriKind.Relative)));
        Assert.Equal(0, await node.StopAsync());
        Assert.Contains("Goodbye.", node.Log, StringComparison.Ordinal);
        Assert.DoesNotContain("ERROR", node.Log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_taken_port_is_one_sentence_and_exit_code_1()
    {
        using var taken = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        taken.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        var port = ((IPEndPoint)taken.LocalEndPoint!).Port;
        await using var node = NodeProcess.Start(_data, "--set", $"confcluster.sip.udp.port={port}");
        Assert.Equal(1, await node.EndAsync());
        Assert.Equal($"UDP 127.0.0.1:{port} cannot be bound (another program listens there); set confcluster.sip.udp.port or confcluster.sip.udp.address.", node.Log);
    }

    [Fact]
    public async Task Any_free_port_is_named_in_the_welcome()
    {
        await using var node = NodeProcess.Start(_data, "--set", "confcluster.sip.udp.port=0", "--set", "confcluster.sip.tcp.enabled=off");
        await node.UntilReadyAsync();
        await node.UntilLoggedAsync("Stop ");
        Assert.Matches("Dial +sip:100@127\\.0\\.0\\.1:[1-9][0-9]+ \\(UDP;", node.Log);
    }

    [Fact]
    public async Task Two_nodes_do_not_share_a_data_directory()
    {
        await using var first = NodeProcess.Start(_data);
        await first.UntilReadyAsync();
        await using var second = NodeProcess.Start(_data);
        Assert.Equal(1, await second.EndAsync());
        Assert.Contains("is in use by another confcluster", second.Log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_open_address_is_refused_unless_asked_for_by_name()
    {
        await using var node = NodeProcess.Start(_data, "--set", "confcluster.sip.udp.address=0.0.0.0");
        Assert.Equal(1, await node.EndAsync());
        Assert.Contains("set confcluster.allow-unauthenticated = on", node.Log, StringComparison.Ordinal);
    }
}
