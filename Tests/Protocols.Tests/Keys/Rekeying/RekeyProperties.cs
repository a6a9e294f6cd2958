using ConfCluster.Protocols.Keys.Rekeying;
using CsCheck;
using Xunit;

namespace ConfCluster.Protocols.Tests.Keys.Rekeying;

/// <summary>K1 to K5 and K7 to K9 over random conferences; a failure prints the seed.</summary>
public sealed class RekeyProperties
{
    private static readonly Gen<TimeSpan> Delay = Gen.Int[1, 300].Select(ms => TimeSpan.FromMilliseconds(ms));

    private static readonly Gen<Phone> AnyPhone = Gen.Frequency(
        (3, Gen.Select(Delay, d => new Phone(LegKeying.GroupByMki, d))),
        (3, Gen.Select(Delay, d => new Phone(LegKeying.GroupByMki, d, TakesLadder: true))),
        (2, Gen.Select(Delay, Gen.Bool, (d, ladder) => new Phone(LegKeying.GroupPlain, d, TakesLadder: ladder))),
        (1, Gen.Select(Delay, d => new Phone(LegKeying.Own, d))),
        (1, Gen.Select(Delay, Gen.Int[1, 3], (d, n) => new Phone(LegKeying.GroupByMki, d, Glares: n, TakesLadder: n > 1))),
        (1, Gen.Select(Delay, Gen.Int[1, 3], Gen.Bool, (d, n, ladder) => new Phone(LegKeying.GroupByMki, d, Lost: n, TakesLadder: ladder))),
        (1, Gen.Select(Delay, Gen.Bool, (d, ladder) => new Phone(LegKeying.GroupByMki, d, Refuses: true, TakesLadder: ladder))),
        (1, Gen.Select(Delay, d => new Phone(LegKeying.GroupPlain, d, Refuses: true))),
        (1, Gen.Select(Delay, d => new Phone(LegKeying.GroupByMki, d, Answers: false))));

    internal static readonly Gen<RekeyPolicy> AnyPolicy = Gen.Select(
        Gen.Bool, Gen.Bool, OneOf(0, 1, 5, 10), Gen.Int[6, 12], OneOf(JoinKey.NextEpoch, JoinKey.Current),
        OneOf(Undelivered.OwnKey, Undelivered.Drop),
        Gen.Select(Gen.Int[2, 4], OneOf(1, 2, 50), OneOf(0, 0, 1, 3, 9), OneOf(Revocation.Lazy, Revocation.Lazy, Revocation.Now), OneOf(2, 2, 15)),
        (join, leave, interval, timeout, key, undelivered, most) => RekeyPolicy.Default with
        {
            OnJoin = join,
            OnLeave = leave,
            MinInterval = TimeSpan.FromSeconds(interval),
            DistributionTimeout = TimeSpan.FromSeconds(timeout),
            JoinKey = key,
            OnUndelivered = undelivered,
            MaxEpochsInUse = most.Item1,
            MaxOffers = most.Item2,
            Ladder = most.Item3,
            Revoke = most.Item4,
            Grace = TimeSpan.FromSeconds(most.Item5),
            MaxAge = interval == 5 ? TimeSpan.FromSeconds(40) : null,
        });

    private static readonly Gen<Happening> AnyHappening = Gen.Frequency(
        (6, Gen.Select(Gen.Int[0, 7], AnyPhone, (n, phone) => new Happening($"p{n} joins: {phone}", w => w.Join($"p{n}", phone)))),
        (5, Gen.Select(Gen.Int[0, 7], Gen.Int[0, 4], (n, e) => new Happening($"p{n} leaves", w => w.Leave($"p{n}", evicted: e == 0)))),
        (1, Gen.Int[0, 7].Select(n => new Happening($"p{n} hears nothing", w => w.Deafen($"p{n}")))),
        (2, Gen.Int[0, 7].Select(n => new Happening($"p{n} loses its keys", w => w.Renew($"p{n}")))),
        (3, Gen.Int[1, 4].Select(n => new Happening($"{n} keys come", w => w.Supply(n)))),
        (1, Gen.Const(new Happening("an operator asks", w => w.Demand(RekeyReason.Asked)))),
        (1, Gen.Const(new Happening("the focus is lost", w => w.Crash()))));

    /// <summary>Null: the focus makes every key.</summary>
    private static readonly Gen<KeyStock?> AnyStock = Gen.Select(
        Gen.Int[0, 3], Gen.Int[0, 3], Gen.Bool, (kind, left, own) => kind < 2 ? (KeyStock?)null : new KeyStock(left, own));

    private static readonly Gen<TimeSpan> Pause = Gen.Frequency(
        (3, Gen.Const(TimeSpan.Zero)), (5, Gen.Int[1, 500].Select(ms => TimeSpan.FromMilliseconds(ms))), (3, Gen.Int[500, 15_000].Select(ms => TimeSpan.FromMilliseconds(ms))));

    internal static readonly Gen<(TimeSpan Pause, Happening Then)[]> AnyStory = Gen.Select(Pause, AnyHappening).Array[1, 40];

    private static Gen<T> OneOf<T>(params T[] values) => Gen.Int[0, values.Length - 1].Select(i => values[i]);

    [Fact]
    public void The_invariants_hold_in_every_conference() =>
        Gen.Select(AnyPolicy, Gen.Int[0, 100], AnyStock, AnyStory).Sample((policy, store, stock, story) =>
        {
            var world = new RekeyWorld(policy, TimeSpan.FromMilliseconds(store), stock);
            foreach (var (pause, happening) in story)
            {
                world.Run(pause);
                happening.Act(world);
            }

            world.Supply(100);
            world.Run(TimeSpan.FromMinutes(4));
            if (policy.MaxAge is not null) return;
            var newest = world.State.Newest?.Epoch;
            Assert.All(world.Uses.Values, used => Assert.True(used is null || used == newest, $"{used} is still in use and {newest} is the newest"));
            Assert.InRange(world.State.Epochs.Length, 0, 1);
            Assert.True(!world.Forlorn.Any(), $"{string.Join(", ", world.Forlorn)} could be under {newest}");
            Assert.True(world.Forgetful || world.State.Unrevoked.IsEmpty, "a phone that takes every offer was never told to forget");
            Assert.True(policy.Revoke != Revocation.Now || !world.Hoarders.Any(), $"{string.Join(", ", world.Hoarders)} could forget keys and was not told to");
        }, iter: 10_000);

    internal sealed record Happening(string Name, Action<RekeyWorld> Act)
    {
        public override string ToString() => Name;
    }
}
