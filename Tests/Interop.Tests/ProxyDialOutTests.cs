using Xunit;

namespace ConfCluster.Interop.Tests;

/// <summary>The focus calls a phone through Kamailio as its outbound proxy, which stays in the route set.</summary>
public sealed class ProxyDialOutTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("confcluster-dialout-").FullName;

    [SkippableTheory]
    [InlineData(";lr", "u1", "dialled-ended.xml")]
    [InlineData(";transport=tcp;lr", "u1", "dialled-ended.xml")]
    [InlineData(";lr", "t1", "dialled-ended.xml")]
    [InlineData(";lr", "u1", "dialled-bye.xml")]
    // Without lr it is a strict router: the Request-URI is the proxy's, the callee's stands in Route (RFC 3261 §12.2.1.1, §16.4).
    [InlineData("", "u1", "dialled-bye.xml")]
    public async Task A_phone_is_called_through_an_outbound_proxy(string proxy, string phone, string scenario)
    {
        await WithProxyAsync(proxy, [], async node =>
        {
            var called = NodeUnderTest.FreePort();
            using var callee = Sipp.Await(node, scenario, called, "-t", phone);
            await node.ConferenceAsync("invite", "out", $"sip:bob@127.0.0.1:{called}{(phone == "t1" ? ";transport=tcp" : "")}", "--wait");
            if (scenario == "dialled-ended.xml") await EndWhenChangedAsync(node, callee);
            await callee.EndsWellAsync();
            await node.UntilParticipants("out", scenario == "dialled-ended.xml" ? 0 : 1);
        });
    }

    [SkippableFact]
    public async Task Of_two_phones_that_answer_a_forked_call_one_is_kept_and_one_gets_BYE()
    {
        var (one, two) = (NodeUnderTest.FreePort(), NodeUnderTest.FreePort());
        await WithProxyAsync(";lr", [$"SECOND_PHONE=\"sip:bob@127.0.0.1:{two}\""], async node =>
        {
            using var first = Sipp.Await(node, "forked.xml", one);
            using var second = Sipp.Await(node, "forked.xml", two);
            await node.ConferenceAsync("invite", "out", $"sip:bob@127.0.0.1:{one}", "--wait");
            await node.Until(() => Task.FromResult(first.IsOver || second.IsOver), "one of the two to be hung up on");
            Assert.False(first.IsOver && second.IsOver);
            await node.UntilParticipants("out", 2);
            await node.EndAsync("out");
            await first.EndsWellAsync();
            await second.EndsWellAsync();
        });
    }

    /// <summary>A node that calls out through Kamailio, with one phone in conference "out" already.</summary>
    private async Task WithProxyAsync(string proxy, string[] defines, Func<NodeUnderTest, Task> act)
    {
        Peers.Require("kamailio", "kamailio");
        var port = NodeUnderTest.FreePort(Kamailio.Address);
        var node = new OutboundNode($"sip:{Kamailio.Address}:{port}{proxy}");
        await node.InitializeAsync();
        try
        {
            using var kamailio = await Kamailio.StartAsync(port, node, "udp", defines);
            using var first = NodeUnderTest.Call([$"sip:out@127.0.0.1:{node.SipPort}", "--tone", "440", "--for", "60s"], _directory);
            await node.UntilParticipants("out", 1);
            await act(node);
        }
        finally
        {
            await node.DisposeAsync();
        }
    }

    /// <summary>The scenario's re-INVITE and UPDATE come first: sipp prints nothing, its log of messages tells.</summary>
    private static async Task EndWhenChangedAsync(NodeUnderTest node, Sipp callee)
    {
        await callee.SawAsync("CSeq: 2 UPDATE", times: 2);
        await node.EndAsync("out");
    }

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    private sealed class OutboundNode(string proxy) : NodeUnderTest
    {
        protected override IEnumerable<string> Settings => [$"sip.outbound.proxy=\"{proxy}\""];
    }
}
