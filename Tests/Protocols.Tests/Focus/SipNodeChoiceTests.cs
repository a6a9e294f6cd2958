using System.Net;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Focus;
using ConfCluster.Protocols.Sip.Messages;
using Xunit;

namespace ConfCluster.Protocols.Tests.Focus;

public sealed class SipNodeChoiceTests
{
    private static readonly ParticipantId Alice = new("a");

    private static readonly SipFlow Flow =
        new(SipTransport.Tcp, new IPEndPoint(IPAddress.Loopback, 5060), new IPEndPoint(IPAddress.Loopback, 5080), 7) { Node = "n2" };

    [Fact]
    public void A_request_goes_over_the_connection_of_the_node_that_has_it() => Assert.Equal(Flow, SipNodeChoice.Route(Flow, Alice, ["n1", "n2", "n3"]));

    [Fact]
    public void When_that_node_is_gone_another_one_connects_anew()
    {
        var flow = SipNodeChoice.Route(Flow, Alice, ["n1", "n3"]);
        Assert.Equal(0, flow!.Connection);
        Assert.Contains(flow.Node, new[] { "n1", "n3" });
        Assert.Equal(Flow.Remote, flow.Remote);
        Assert.Equal(flow, SipNodeChoice.Route(Flow, Alice, ["n1", "n3"]));
    }

    [Fact]
    public void Without_any_node_there_is_no_way() => Assert.Null(SipNodeChoice.Route(Flow, Alice, []));

    [Fact]
    public void Many_participants_use_all_nodes() => Assert.Equal(
        3, Enumerable.Range(0, 100).Select(i => SipNodeChoice.Any(new ParticipantId($"p{i}"), ["n1", "n2", "n3"])).Distinct().Count());
}
