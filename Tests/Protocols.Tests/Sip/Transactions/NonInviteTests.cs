using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Transactions;
using Xunit;
using static ConfCluster.Protocols.Sip.Transactions.MachineEffect;

namespace ConfCluster.Protocols.Tests.Sip.Transactions;

/// <summary>RFC 3261 figures 6 and 8, with RFC 4320.</summary>
public sealed class NonInviteTests
{
    private static readonly TransactionTimings Unreliable = new(SipTimings.Default, false);
    private static readonly TransactionTimings Reliable = new(SipTimings.Default, true);
    private static readonly SipRequest Bye = SipTexts.Request("BYE");
    private static readonly SipResponse Trying = SipTexts.Answer(Bye, 100);
    private static readonly SipResponse Ok = SipTexts.Answer(Bye, 200);

    [Fact]
    [Trait("RFC", "3261 §17.1.2.2")]
    public void Timer_E_doubles_up_to_T2_and_F_ends_it()
    {
        var step = NonInviteClient.Begin(Bye, Unreliable);
        var waits = new List<double>();
        for (var i = 0; i < 6; i++)
        {
            waits.Add(step.Effects.OfType<Start>().Single(s => s.Timer == SipTimer.E).After.TotalSeconds);
            step = NonInviteClient.Next(step.State, new ClientInput.Fired(SipTimer.E), Unreliable);
            Assert.Contains(new Send(Bye), step.Effects);
        }

        Assert.Equal([0.5, 1, 2, 4, 4, 4], waits);
        var end = NonInviteClient.Next(step.State, new ClientInput.Fired(SipTimer.F), Unreliable);
        Assert.True(end.State.IsTerminated);
        Assert.Contains(new Failed(TransactionFailure.Timeout), end.Effects);
    }

    [Fact]
    [Trait("RFC", "3261 §17.1.2.2")]
    public void After_a_provisional_the_request_is_repeated_every_T2()
    {
        var step = NonInviteClient.Next(NonInviteClient.Begin(Bye, Unreliable).State, new ClientInput.Received(Trying), Unreliable);
        Assert.Contains(new Start(SipTimer.E, TimeSpan.FromSeconds(4)), step.Effects);
        step = NonInviteClient.Next(step.State, new ClientInput.Fired(SipTimer.E), Unreliable);
        Assert.Equal<MachineEffect>([new Send(Bye), new Start(SipTimer.E, TimeSpan.FromSeconds(4))], step.Effects);
    }

    [Fact]
    [Trait("RFC", "3261 §17.1.2.2")]
    public void A_final_response_passes_up_once_and_K_absorbs_its_copies()
    {
        var step = NonInviteClient.Next(NonInviteClient.Begin(Bye, Unreliable).State, new ClientInput.Received(Ok), Unreliable);
        Assert.Contains(new PassResponse(Ok), step.Effects);
        Assert.Contains(new Start(SipTimer.K, TimeSpan.FromSeconds(5)), step.Effects);
        Assert.Empty(NonInviteClient.Next(step.State, new ClientInput.Received(Ok), Unreliable).Effects);
        Assert.Empty(NonInviteClient.Next(step.State, new ClientInput.Fired(SipTimer.E), Unreliable).Effects);
        Assert.True(NonInviteClient.Next(step.State, new ClientInput.Fired(SipTimer.K), Unreliable).State.IsTerminated);
    }

    [Fact]
    [Trait("RFC", "3261 §17.1.2.2")]
    public void On_a_reliable_transport_the_client_repeats_nothing_and_ends_with_the_answer()
    {
        var step = NonInviteClient.Begin(Bye, Reliable);
        Assert.DoesNotContain(step.Effects, e => e is Start { Timer: SipTimer.E });
        Assert.True(NonInviteClient.Next(step.State, new ClientInput.Received(Ok), Reliable).State.IsTerminated);
    }

    [Fact]
    [Trait("RFC", "3261 §17.2.2")]
    public void A_copy_is_silent_until_answered_and_then_gets_the_answer_again()
    {
        var begin = NonInviteServer.Begin(Bye, Unreliable);
        Assert.Contains(new PassRequest(Bye), begin.Effects);
        Assert.Empty(begin.Effects.OfType<Send>());
        Assert.Empty(NonInviteServer.Next(begin.State, new ServerInput.Again(), Unreliable).Effects);

        var step = NonInviteServer.Next(begin.State, new ServerInput.Respond(Ok), Unreliable);
        Assert.Contains(new Start(SipTimer.J, TimeSpan.FromSeconds(32)), step.Effects);
        Assert.Equal<MachineEffect>([new Send(Ok)], NonInviteServer.Next(step.State, new ServerInput.Again(), Unreliable).Effects);
        Assert.Empty(NonInviteServer.Next(step.State, new ServerInput.Respond(Ok), Unreliable).Effects);
        Assert.True(NonInviteServer.Next(step.State, new ServerInput.Fired(SipTimer.J), Unreliable).State.IsTerminated);
    }

    [Fact]
    [Trait("RFC", "4320 §4.1")]
    public void The_100_goes_out_when_the_clients_E_has_reached_T2_and_no_provisional_of_the_core_ever()
    {
        var begin = NonInviteServer.Begin(Bye, Unreliable);
        Assert.Contains(new Start(SipTimer.E, TimeSpan.FromSeconds(3.5)), begin.Effects);
        Assert.Empty(NonInviteServer.Next(begin.State, new ServerInput.Respond(SipTexts.Answer(Bye, 183)), Unreliable).Effects);
        var step = NonInviteServer.Next(begin.State, new ServerInput.Fired(SipTimer.E), Unreliable);
        Assert.Equal(100, ((SipResponse)step.Effects.OfType<Send>().Single().Message).StatusCode);
        Assert.Single(NonInviteServer.Next(step.State, new ServerInput.Again(), Unreliable).Effects.OfType<Send>());
    }

    [Fact]
    [Trait("RFC", "4320 §4.2")]
    public void When_the_client_has_given_up_nothing_is_sent_at_all()
    {
        var step = NonInviteServer.Next(NonInviteServer.Begin(Bye, Unreliable).State, new ServerInput.Fired(SipTimer.F), Unreliable);
        Assert.True(step.State.IsTerminated);
        Assert.Empty(step.Effects.OfType<Send>());
    }

    [Fact]
    [Trait("RFC", "3261 §17.2.2")]
    public void On_a_reliable_transport_the_server_ends_with_its_answer() =>
        Assert.True(NonInviteServer.Next(NonInviteServer.Begin(Bye, Reliable).State, new ServerInput.Respond(Ok), Reliable).State.IsTerminated);
}
