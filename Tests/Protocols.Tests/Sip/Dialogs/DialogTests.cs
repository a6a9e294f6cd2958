using System.Text.Json;
using ConfCluster.Protocols.Sip.Dialogs;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Parsing;
using Xunit;

namespace ConfCluster.Protocols.Tests.Sip.Dialogs;

/// <summary>RFC 3261 §12.</summary>
public sealed class DialogTests
{
    private const string Routed = "Contact: <sip:alice@192.0.2.7:6000;method=INVITE?Subject=x>\r\nRecord-Route: <sip:p2.example.com;lr>, <sip:p1.example.com;lr>\r\n";

    private static readonly SipRequest Invite = SipTexts.Request("INVITE", extra: Routed);

    [Fact]
    [Trait("RFC", "3261 §12.1.1")]
    public void A_UAS_takes_the_route_in_order_and_the_target_from_Contact()
    {
        var dialog = Dialog.FromRequest(Invite, "room1");
        Assert.Equal(new DialogId("call-1", "room1", "alice1"), dialog.Id);
        Assert.Equal(["p2.example.com", "p1.example.com"], dialog.RouteSet.Select(r => r.Uri.Host));
        Assert.Equal(1u, dialog.RemoteSequence);
        Assert.Null(dialog.LocalSequence);
        Assert.Equal("p2.example.com", dialog.NextHop.Host);
    }

    [Fact]
    [Trait("RFC", "3261 §12.1.2")]
    public void A_UAC_takes_the_route_reversed()
    {
        var ok = (SipResponse)SipTexts.Read(System.Text.Encoding.UTF8.GetString(SipWriter.ToBytes(
            SipTexts.Answer(Invite, 200) with
            {
                Headers = SipTexts.Answer(Invite, 200).Headers.Append("Contact", "<sip:room@198.51.100.1>")
                .Append("Record-Route", Invite.Headers.All("Record-Route"))
            })));
        Assert.True(Dialog.TryFromResponse(Invite, ok, out var dialog));
        Assert.Equal(new DialogId("call-1", "alice1", "room1"), dialog!.Id);
        Assert.Equal(["p1.example.com", "p2.example.com"], dialog.RouteSet.Select(r => r.Uri.Host));
        Assert.Equal("198.51.100.1", dialog.RemoteTarget.Host);
        Assert.Equal(1u, dialog.LocalSequence);
        Assert.Equal("2 BYE", dialog.NewRequest(SipMethod.Bye).Request.Headers.First("CSeq"));
        Assert.Equal(new CSeq(1, SipMethod.Ack), dialog.Ack(1).Headers.CSeq);
        Assert.False(Dialog.TryFromResponse(Invite, SipTexts.Answer(Invite, 200), out _));
    }

    [Fact]
    [Trait("RFC", "3261 §12.2.1.1")]
    public void Behind_a_loose_router_the_target_is_the_Request_URI()
    {
        var (next, bye) = Dialog.FromRequest(Invite, "room1").NewRequest(SipMethod.Bye);
        Assert.Equal("sip:alice@192.0.2.7:6000", bye.RequestUri.ToString());
        Assert.Equal(["p2.example.com", "p1.example.com"], bye.Headers.Routes.Select(r => r.Uri.Host));
        Assert.Equal(("room1", "alice1", 1u, 70), (bye.Headers.From.Tag, bye.Headers.To.Tag, bye.Headers.CSeq.Number, bye.Headers.MaxForwards));
        Assert.Equal(2u, next.NewRequest(SipMethod.Bye).Request.Headers.CSeq.Number);
    }

    [Fact]
    [Trait("RFC", "3261 §12.2.1.1")]
    public void Behind_a_strict_router_the_target_waits_at_the_end_of_the_route()
    {
        var invite = SipTexts.Request("INVITE", extra: "Contact: <sip:alice@192.0.2.7>\r\nRecord-Route: <sip:strict.example.com>, <sip:p1.example.com;lr>\r\n");
        var dialog = Dialog.FromRequest(invite, "room1");
        var bye = dialog.NewRequest(SipMethod.Bye).Request;
        Assert.Equal("sip:strict.example.com", bye.RequestUri.ToString());
        Assert.Equal(["p1.example.com", "192.0.2.7"], bye.Headers.Routes.Select(r => r.Uri.Host));
        Assert.Equal("strict.example.com", dialog.NextHop.Host);
    }

    [Fact]
    [Trait("RFC", "3261 §12.2.2")]
    public void A_sequence_number_must_grow_but_ACK_and_CANCEL_carry_their_INVITEs()
    {
        var dialog = Dialog.FromRequest(SipTexts.Request("INVITE", cseq: 5), "room1");
        Assert.Equal(DialogVerdict.OutOfOrder, dialog.Receive(InDialog("BYE", 4), out var same));
        Assert.Same(dialog, same);
        Assert.Equal(DialogVerdict.OutOfOrder, dialog.Receive(InDialog("BYE", 5), out _));
        Assert.Equal(DialogVerdict.InOrder, dialog.Receive(InDialog("ACK", 5), out same));
        Assert.Same(dialog, same);
        Assert.Equal(DialogVerdict.InOrder, dialog.Receive(InDialog("CANCEL", 5), out _));
        Assert.Equal(DialogVerdict.OutOfOrder, dialog.Receive(InDialog("ACK", 6), out _));
        Assert.Equal(DialogVerdict.InOrder, dialog.Receive(InDialog("OPTIONS", 50), out var next));
        Assert.Equal(50u, next.RemoteSequence);
    }

    [Theory]
    [Trait("RFC", "3261 §12.2")]
    [InlineData("INVITE", "203.0.113.5")]
    [InlineData("UPDATE", "203.0.113.5")]
    [InlineData("OPTIONS", "192.0.2.7")]
    public void Only_target_refresh_requests_move_the_target(string method, string host)
    {
        var dialog = Dialog.FromRequest(SipTexts.Request("INVITE"), "room1");
        dialog.Receive(SipTexts.Request(method, "z9hG4bKb", "room1", cseq: 2, extra: "Contact: <sip:alice@203.0.113.5>\r\n"), out var next);
        Assert.Equal(host, next.RemoteTarget.Host);
    }

    [Fact]
    public void A_dialog_survives_being_stored_as_facts()
    {
        var dialog = Dialog.FromRequest(Invite, "room1").NewRequest(SipMethod.Update).Next;
        var facts = JsonSerializer.Deserialize<DialogFacts>(JsonSerializer.Serialize(DialogFacts.Of(dialog)))!;
        Assert.True(Dialog.TryFromFacts(facts, out var restored));
        Assert.Equal(SipWriter.ToBytes(dialog.NewRequest(SipMethod.Bye).Request), SipWriter.ToBytes(restored!.NewRequest(SipMethod.Bye).Request));
        Assert.Equal(dialog.Id, restored.Id);
        Assert.Equal(dialog.RemoteSequence, restored.RemoteSequence);
        Assert.False(Dialog.TryFromFacts(facts with { RemoteTarget = "<" }, out _));
        Assert.False(Dialog.TryFromFacts(facts with { RouteSet = ["\"open"] }, out _));
    }

    private static SipRequest InDialog(string method, uint cseq) => SipTexts.Request(method, $"z9hG4bK{method}{cseq}", "room1", cseq: cseq);
}
