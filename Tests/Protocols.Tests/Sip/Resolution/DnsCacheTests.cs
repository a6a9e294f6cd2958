using System.Net;
using ConfCluster.Protocols.Sip.Resolution;
using Xunit;

namespace ConfCluster.Protocols.Tests.Sip.Resolution;

public sealed class DnsCacheTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    [Fact]
    [Trait("RFC", "1035 §3.2.1")]
    public void An_answer_lives_as_long_as_its_zone_says()
    {
        var cache = new DnsCache(10);
        cache.Put(Answer("a"), 30 * Second, TimeSpan.Zero);
        Assert.True(cache.TryGet(Question("a"), 29 * Second, out var answer));
        Assert.Single(answer!.Records);
        Assert.False(cache.TryGet(Question("a"), 30 * Second, out _));
        Assert.False(cache.TryGet(new DnsQuestion(DnsType.Srv, "a"), Second, out _));
    }

    [Fact]
    public void No_zone_is_believed_for_more_than_an_hour()
    {
        var cache = new DnsCache(10);
        cache.Put(Answer("a"), TimeSpan.FromDays(365), TimeSpan.Zero);
        Assert.False(cache.TryGet(Question("a"), TimeSpan.FromHours(1), out _));
    }

    [Fact]
    public void That_there_is_nothing_is_kept_for_ten_seconds()
    {
        var cache = new DnsCache(10);
        cache.Put(new DnsAnswer(Question("a"), []), TimeSpan.FromDays(1), TimeSpan.Zero);
        Assert.True(cache.TryGet(Question("a"), 9 * Second, out _));
        Assert.False(cache.TryGet(Question("a"), 10 * Second, out _));
    }

    [Fact]
    public void A_full_cache_forgets_what_would_have_died_first()
    {
        var cache = new DnsCache(2);
        cache.Put(Answer("a"), 20 * Second, TimeSpan.Zero);
        cache.Put(Answer("b"), 10 * Second, TimeSpan.Zero);
        cache.Put(Answer("c"), 30 * Second, TimeSpan.Zero);
        Assert.Equal(2, cache.Count);
        Assert.False(cache.TryGet(Question("b"), Second, out _));
        Assert.True(cache.TryGet(Question("a"), Second, out _));
    }

    private static DnsQuestion Question(string name) => new(DnsType.A, name);

    private static DnsAnswer Answer(string name) => new(Question(name), [new DnsRecord.Address(IPAddress.Loopback)]);
}
