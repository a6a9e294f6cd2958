using System.Net;
using ConfCluster.Actors.Nodes.Links;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace ConfCluster.Actors.Tests.Nodes;

public sealed class DoorstepTests : IDisposable
{
    private readonly FakeTimeProvider _clock = new();
    private readonly List<CancellationTokenSource> _limits = [];
    private readonly Doorstep _doorstep;

    public DoorstepTests() => _doorstep = new Doorstep(_clock);

    public void Dispose() => _limits.ForEach(l => l.Dispose());

    [Fact]
    public void Whoever_calls_often_and_says_nothing_takes_only_its_own_places()
    {
        for (var i = 0; i < Doorstep.RoomForOne; i++) Assert.True(Enter(1).Entered);
        Assert.False(Enter(1).Entered);
        Assert.True(Enter(2).Entered);
        Assert.Equal(Doorstep.RoomForOne + 1, _doorstep.Count);
    }

    [Fact]
    public async Task When_all_places_are_taken_who_stands_there_longest_has_to_go()
    {
        var gone = new TaskCompletionSource();
        await using var told = Enter(1).Limit.Token.Register(gone.SetResult);
        _clock.Advance(TimeSpan.FromMilliseconds(1));
        for (var i = 1; i < Doorstep.Room; i++) Assert.True(Enter((byte)(i / 8)).Entered);
        Assert.False(Enter(100).Entered);
        _clock.Advance(Doorstep.Peace - TimeSpan.FromMilliseconds(1));
        var node = Enter(100);
        Assert.True(node.Entered);
        Assert.Equal(Doorstep.Room, _doorstep.Count);
        await gone.Task.WaitAsync(TimeSpan.FromSeconds(20));
        // All others have come within the last second.
        Assert.False(Enter(101).Entered);
        Assert.False(node.Limit.IsCancellationRequested);
    }

    [Fact]
    public void Whoever_is_let_in_makes_room_and_is_not_sent_away_any_more()
    {
        var limits = Enumerable.Range(0, Doorstep.RoomForOne).Select(_ => Enter(1).Limit).ToList();
        _doorstep.Leave(limits[0]);
        limits[0].Dispose();
        _clock.Advance(Doorstep.Peace);
        Assert.True(Enter(1).Entered);
        Assert.True(Enter(1).Entered);
        foreach (var limit in _limits) _doorstep.Leave(limit);
        Assert.Equal(0, _doorstep.Count);
    }

    private (bool Entered, CancellationTokenSource Limit) Enter(byte from)
    {
        var limit = new CancellationTokenSource();
        _limits.Add(limit);
        return (_doorstep.TryEnter(new IPAddress([192, 0, 2, from]), limit), limit);
    }
}
