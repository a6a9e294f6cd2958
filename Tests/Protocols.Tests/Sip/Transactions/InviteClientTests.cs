using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Transactions;
using Xunit;
using static ConfCluster.Protocols.Sip.Transactions.MachineEffect;

namespace ConfCluster.Protocols.Tests.Sip.Transactions;

/// <summary>RFC 3261 figure 5 as RFC 6026 §7.2 corrects it.</summary>
public sealed class InviteClientTests
{
    private static readonly TransactionTimings Unreliable = new(SipTimings.Default, false);
    private static readonly TransactionTimings Reliable = new(SipTimings.Default, true);

    private static readonly Start RingLimit = new(SipTimer.C, TimeSpan.FromSeconds(181));

    private static readonly SipRequest Invite = SipTexts.Request("INVITE",
        extra: "Route: <sip:p1.example.com;lr>\r\nRoute: <sip:p2.example.com;lr>\r\nVia: SIP/2.0/UDP 203.0.113.1;branch=z9hG4bKold\r\n");

    private static readonly SipResponse Ringing = SipTexts.Answer(Invite, 180);
    private static readonly SipResponse Ok = SipTexts.Answer(Invite, 200);
    private static readonly SipResponse Busy = SipTexts.Answer(Invite, 486);

    [Fact]
    [Trait("RFC", "3261 §17.1.1.2")]
    public void Timer_A_doubles_without_a_limit_until_B_gives_up()
    {
        var step = InviteClient.Begin(Invite, Unreliable);
        Assert.Contains(new Start(SipTimer.B, TimeSpan.FromSeconds(32)), step.Effects);
        var waits = new List<double>();
        for (var i = 0; i < 6; i++)
        {
            waits.Add(step.Effects.OfType<Start>().Single(s => s.Timer == SipTimer.A).After.TotalSeconds);
            Assert.Contains(new Send(Invite), step.Effects);
            step = InviteClient.Next(step.State, new ClientInput.Fired(SipTimer.A), Unreliable);
        }

        Assert.Equal([0.5, 1, 2, 4, 8, 16], waits);
        var end = InviteClient.Next(step.State, new ClientInput.Fired(SipTimer.B), Unreliable);
        Assert.True(end.State.IsTerminated);
        Assert.Contains(new Failed(TransactionFailure.Timeout), end.Effects);
    }

    [Fact]
    [Trait("RFC", "3261 §17.1.1.2")]
    public void A_reliable_transport_starts_no_A_and_needs_no_D()
    {
        var step = InviteClient.Begin(Invite, Reliable);
        Assert.DoesNotContain(step.Effects, e => e is Start { Timer: SipTimer.A });
        Assert.True(InviteClient.Next(step.State, new ClientInput.Received(Busy), Reliable).State.IsTerminated);
    }

    [Fact]
    [Trait("RFC", "3261 §17.1.1.2")]
    public void A_provisional_stops_the_repetition_and_passes_up()
    {
        var step = InviteClient.Next(InviteClient.Begin(Invite, Unreliable).State, new ClientInput.Received(Ringing), Unreliable);
        Assert.Equal<MachineEffect>([new Cancel(SipTimer.A), new Cancel(SipTimer.B), new PassResponse(Ringing), RingLimit], step.Effects);
        Assert.Empty(InviteClient.Next(step.State, new ClientInput.Fired(SipTimer.A), Unreliable).Effects);
        Assert.Empty(InviteClient.Next(step.State, new ClientInput.Fired(SipTimer.B), Unreliable).Effects);
    }

    [Fact]
    [Trait("RFC", "3261 §16.6")]
    public void A_peer_that_rings_and_is_lost_holds_the_transaction_three_minutes_after_its_last_word()
    {
        var step = InviteClient.Next(InviteClient.Begin(Invite, Unreliable).State, new ClientInput.Received(Ringing), Unreliable);
        step = InviteClient.Next(step.State, new ClientInput.Received(Ringing), Unreliable);
        Assert.Contains(RingLimit, step.Effects);
        step = InviteClient.Next(step.State, new ClientInput.Fired(SipTimer.C), Unreliable);
        Assert.True(step.State.IsTerminated);
        Assert.Equal<MachineEffect>([new Failed(TransactionFailure.Timeout)], step.Effects);
    }

    [Fact]
    [Trait("RFC", "3261 §17.1.1.3")]
    public void A_refusal_is_acknowledged_here_and_each_copy_again_but_passed_up_once()
    {
        var step = InviteClient.Next(InviteClient.Begin(Invite, Unreliable).State, new ClientInput.Received(Busy), Unreliable);
        Assert.Contains(new PassResponse(Busy), step.Effects);
        Assert.Contains(new Start(SipTimer.D, TimeSpan.FromSeconds(32)), step.Effects);
        var ack = (SipRequest)step.Effects.OfType<Send>().Single().Message;
        Assert.Equal(SipMethod.Ack, ack.Method);
        Assert.Equal(Invite.RequestUri, ack.RequestUri);
        Assert.Equal(Invite.Headers.TopVia, Assert.Single(ack.Headers.Vias));
        Assert.Equal("room1", ack.Headers.To.Tag);
        Assert.Equal(new CSeq(1, SipMethod.Ack), ack.Headers.CSeq);
        Assert.Equal(2, ack.Headers.Routes.Length);

        var again = InviteClient.Next(step.State, new ClientInput.Received(Busy), Unreliable);
        Assert.Equal<MachineEffect>([new Send(ack)], again.Effects);
        Assert.True(InviteClient.Next(again.State, new ClientInput.Fired(SipTimer.D), Unreliable).State.IsTerminated);
    }

    [Fact]
    [Trait("RFC", "6026 §7.2")]
    public void Every_2xx_passes_up_until_M_fires_and_none_is_acknowledged_here()
    {
        var step = InviteClient.Next(InviteClient.Begin(Invite, Unreliable).State, new ClientInput.Received(Ok), Unreliable);
        Assert.IsType<InviteClientState.Accepted>(step.State);
        Assert.Contains(new Start(SipTimer.M, TimeSpan.FromSeconds(32)), step.Effects);
        Assert.Empty(step.Effects.OfType<Send>());
        Assert.Equal<MachineEffect>([new PassResponse(Ok)], InviteClient.Next(step.State, new ClientInput.Received(Ok), Unreliable).Effects);
        Assert.Empty(InviteClient.Next(step.State, new ClientInput.Received(Busy), Unreliable).Effects);
        Assert.True(InviteClient.Next(step.State, new ClientInput.Fired(SipTimer.M), Unreliable).State.IsTerminated);
    }

    [Fact]
    [Trait("RFC", "3261 §17.1.4")]
    public void A_transport_error_ends_it_and_is_reported()
    {
        var step = InviteClient.Next(InviteClient.Begin(Invite, Unreliable).State, new ClientInput.TransportError(), Unreliable);
        Assert.True(step.State.IsTerminated);
        Assert.Contains(new Failed(TransactionFailure.Transport), step.Effects);
    }
}
