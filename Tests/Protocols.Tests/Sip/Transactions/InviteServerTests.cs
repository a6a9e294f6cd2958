using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Transactions;
using Xunit;
using static ConfCluster.Protocols.Sip.Transactions.MachineEffect;

namespace ConfCluster.Protocols.Tests.Sip.Transactions;

/// <summary>RFC 3261 figure 7 as RFC 6026 figure 5 has it, edge by edge.</summary>
public sealed class InviteServerTests
{
    private static readonly TransactionTimings Unreliable = new(SipTimings.Default, false);
    private static readonly TransactionTimings Reliable = new(SipTimings.Default, true);
    private static readonly SipRequest Invite = SipTexts.Request("INVITE");
    private static readonly SipRequest Ack = SipTexts.Request("ACK");
    private static readonly SipResponse Ringing = SipTexts.Answer(Invite, 180);
    private static readonly SipResponse Ok = SipTexts.Answer(Invite, 200);
    private static readonly SipResponse Busy = SipTexts.Answer(Invite, 486);

    [Fact]
    [Trait("RFC", "3261 §17.2.1")]
    public void A_new_INVITE_gets_100_at_once_and_reaches_the_core()
    {
        var step = InviteServer.Begin(Invite);
        Assert.IsType<InviteServerState.Proceeding>(step.State);
        Assert.Equal(100, Sent(step).Single());
        Assert.Contains(new PassRequest(Invite), step.Effects);
    }

    [Fact]
    [Trait("RFC", "3261 §17.2.1")]
    public void A_copy_of_the_INVITE_gets_the_latest_provisional_and_passes_nothing_up()
    {
        var state = Next(Next(InviteServer.Begin(Invite).State, new ServerInput.Again()), new ServerInput.Respond(Ringing));
        var step = InviteServer.Next(state, new ServerInput.Again(), Unreliable);
        Assert.Equal<MachineEffect>([new Send(Ringing)], step.Effects);
    }

    [Fact]
    [Trait("RFC", "6026 §7.1")]
    public void After_a_2xx_copies_are_absorbed_and_ACKs_and_further_2xx_go_through()
    {
        var step = Respond(Ok, Unreliable);
        Assert.IsType<InviteServerState.Accepted>(step.State);
        Assert.Contains(new Start(SipTimer.L, TimeSpan.FromSeconds(32)), step.Effects);

        Assert.Empty(InviteServer.Next(step.State, new ServerInput.Again(), Unreliable).Effects);
        Assert.Equal<MachineEffect>([new PassAck(Ack)], InviteServer.Next(step.State, new ServerInput.Ack(Ack), Unreliable).Effects);
        Assert.Equal<MachineEffect>([new Send(Ok)], InviteServer.Next(step.State, new ServerInput.Respond(Ok), Unreliable).Effects);
        Assert.Empty(InviteServer.Next(step.State, new ServerInput.Respond(Busy), Unreliable).Effects);
        Assert.True(Next(step.State, new ServerInput.Fired(SipTimer.L)).IsTerminated);
    }

    [Fact]
    [Trait("RFC", "3261 §17.2.1")]
    public void Timer_G_doubles_up_to_T2_while_no_ACK_arrives()
    {
        var step = Respond(Busy, Unreliable);
        var waits = new List<double>();
        for (var i = 0; i < 6; i++)
        {
            waits.Add(step.Effects.OfType<Start>().Single(s => s.Timer == SipTimer.G).After.TotalSeconds);
            step = InviteServer.Next(step.State, new ServerInput.Fired(SipTimer.G), Unreliable);
            Assert.Contains(new Send(Busy), step.Effects);
        }

        Assert.Equal([0.5, 1, 2, 4, 4, 4], waits);
    }

    [Fact]
    [Trait("RFC", "3261 §17.2.1")]
    public void An_ACK_ends_the_repetition_and_timer_I_absorbs_its_copies()
    {
        var step = InviteServer.Next(Respond(Busy, Unreliable).State, new ServerInput.Ack(Ack), Unreliable);
        Assert.IsType<InviteServerState.Confirmed>(step.State);
        Assert.Equal<MachineEffect>([new Cancel(SipTimer.G), new Cancel(SipTimer.H), new Start(SipTimer.I, TimeSpan.FromSeconds(5))], step.Effects);
        Assert.Empty(InviteServer.Next(step.State, new ServerInput.Ack(Ack), Unreliable).Effects);
        Assert.Empty(InviteServer.Next(step.State, new ServerInput.Again(), Unreliable).Effects);
        Assert.True(Next(step.State, new ServerInput.Fired(SipTimer.I)).IsTerminated);
    }

    [Fact]
    [Trait("RFC", "3261 §17.2.1")]
    public void A_reliable_transport_starts_no_G_and_ends_at_the_ACK()
    {
        var step = Respond(Busy, Reliable);
        Assert.DoesNotContain(step.Effects, e => e is Start { Timer: SipTimer.G });
        Assert.Contains(new Start(SipTimer.H, TimeSpan.FromSeconds(32)), step.Effects);
        Assert.True(InviteServer.Next(step.State, new ServerInput.Ack(Ack), Reliable).State.IsTerminated);
    }

    [Fact]
    [Trait("RFC", "3261 §17.2.1")]
    public void Timer_H_reports_that_no_ACK_came()
    {
        var step = InviteServer.Next(Respond(Busy, Unreliable).State, new ServerInput.Fired(SipTimer.H), Unreliable);
        Assert.True(step.State.IsTerminated);
        Assert.Contains(new Failed(TransactionFailure.Timeout), step.Effects);
    }

    [Fact]
    [Trait("RFC", "6026 §7.1")]
    public void A_transport_error_is_reported_and_discards_nothing()
    {
        foreach (var state in new[] { InviteServer.Begin(Invite).State, Respond(Ok, Unreliable).State, Respond(Busy, Unreliable).State })
        {
            var step = InviteServer.Next(state, new ServerInput.TransportError(), Unreliable);
            Assert.Same(state, step.State);
            Assert.Equal<MachineEffect>([new Failed(TransactionFailure.Transport)], step.Effects);
        }
    }

    [Fact]
    public void A_core_that_never_answers_costs_the_caller_three_minutes_and_not_the_table_a_place()
    {
        var step = InviteServer.Next(InviteServer.Begin(Invite).State, new ServerInput.Fired(SipTimer.C), Unreliable);
        Assert.IsType<InviteServerState.Completed>(step.State);
        Assert.Equal(500, Sent(step).Single());
        Assert.Contains(new Failed(TransactionFailure.Timeout), step.Effects);
    }

    private static Step<InviteServerState, MachineEffect> Respond(SipResponse response, TransactionTimings t) =>
        InviteServer.Next(InviteServer.Begin(Invite).State, new ServerInput.Respond(response), t);

    private static InviteServerState Next(InviteServerState state, ServerInput input) => InviteServer.Next(state, input, Unreliable).State;

    private static IEnumerable<int> Sent(Step<InviteServerState, MachineEffect> step) =>
        step.Effects.OfType<Send>().Select(s => ((SipResponse)s.Message).StatusCode);
}
