using ConfCluster.Actors.Sip;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Transactions;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace ConfCluster.Actors.Tests.Sip;

public sealed class TransactionTimersTests
{
    private readonly FakeTimeProvider _clock = new();
    private readonly TransactionTimers _timers;

    public TransactionTimersTests() => _timers = new TransactionTimers(_clock);

    [Fact]
    public void Timers_come_when_they_are_due_in_their_order_and_once()
    {
        _timers.Start(Key("a"), SipTimer.G, TimeSpan.FromSeconds(2));
        _timers.Start(Key("b"), SipTimer.E, TimeSpan.FromSeconds(1));
        Assert.Empty(Due());
        _clock.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal([(Key("b"), SipTimer.E), (Key("a"), SipTimer.G)], Due());
        Assert.Empty(Due());
    }

    [Fact]
    public void A_timer_that_was_started_again_comes_at_its_new_time_only()
    {
        _timers.Start(Key("a"), SipTimer.G, TimeSpan.FromSeconds(1));
        _timers.Start(Key("a"), SipTimer.G, TimeSpan.FromSeconds(3));
        _clock.Advance(TimeSpan.FromSeconds(2));
        Assert.Empty(Due());
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Single(Due());
    }

    [Fact]
    public void A_cancelled_timer_and_those_of_an_ended_transaction_never_come()
    {
        _timers.Start(Key("a"), SipTimer.G, TimeSpan.FromSeconds(1));
        _timers.Start(Key("b"), SipTimer.G, TimeSpan.FromSeconds(1));
        _timers.Start(Key("b"), SipTimer.H, TimeSpan.FromSeconds(1));
        _timers.Cancel(Key("a"), SipTimer.G);
        _timers.CancelAll(Key("b"));
        _clock.Advance(TimeSpan.FromSeconds(2));
        Assert.Empty(Due());
        Assert.Equal(0, _timers.Count);
    }

    [Fact]
    public void Cancelled_timers_do_not_pile_up_and_no_running_one_is_lost()
    {
        for (var i = 0; i < 100; i++) _timers.Start(Key($"kept{i}"), SipTimer.L, TimeSpan.FromSeconds(60));
        for (var i = 0; i < 100_000; i++)
        {
            _timers.Start(Key("a"), SipTimer.C, TimeSpan.FromSeconds(181));
            _timers.Cancel(Key("a"), SipTimer.C);
        }

        Assert.InRange(_timers.Queued, 100, 2_000);
        _clock.Advance(TimeSpan.FromSeconds(200));
        Assert.Equal(100, Due().Count);
    }

    private static TransactionKey Key(string branch) => new(true, branch, "", SipMethod.Invite);

    private List<(TransactionKey, SipTimer)> Due()
    {
        var due = new List<(TransactionKey, SipTimer)>();
        while (_timers.TryTakeDue(out var key, out var timer)) due.Add((key, timer));
        return due;
    }
}
