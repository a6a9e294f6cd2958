using ConfCluster.Protocols.Mixing;
using ConfCluster.Protocols.Rtp;
using ConfCluster.Protocols.Sdp;
using Xunit;
using static ConfCluster.Protocols.Tests.Sdp.SdpTexts;

namespace ConfCluster.Protocols.Tests.Sdp;

/// <summary>Audio levels in offers and answers.</summary>
public class ExtensionNegotiationTests
{
    private const string Audio = "m=audio 4000 RTP/SAVP 0";
    private const string Spoken = "urn:ietf:params:rtp-hdrext:ssrc-audio-level";
    private const string Mixed = "urn:ietf:params:rtp-hdrext:csrc-audio-level";
    private static readonly MediaAddress Here = new(0, 0x7F000001, 40000, false);

    [Theory]
    [InlineData($"a=extmap:6 {Spoken} vad=on", 6, true, 0)]
    [InlineData($"a=extmap:6/sendonly {Spoken}", 6, true, 0)]
    [InlineData($"a=extmap:14 {Spoken} vad=off", 14, false, 0)]
    [InlineData($"a=extmap:7/recvonly {Mixed}", 0, false, 7)]
    [InlineData($"a=extmap:6/recvonly {Spoken}", 0, false, 0)]
    [InlineData($"a=extmap:7/sendonly {Mixed}", 0, false, 0)]
    [InlineData($"a=extmap:6/inactive {Spoken}", 0, false, 0)]
    [InlineData($"a=extmap:0 {Spoken}", 0, false, 0)]
    [InlineData($"a=extmap:15 {Spoken}", 0, false, 0)]
    [InlineData($"a=extmap:4096 {Spoken}", 0, false, 0)]
    [InlineData($"a=extmap:x {Spoken}", 0, false, 0)]
    [InlineData($"a=extmap:3/both {Spoken}", 0, false, 0)]
    [InlineData("a=extmap:3", 0, false, 0)]
    [InlineData("a=extmap:3 urn:ietf:params:rtp-hdrext:toffset", 0, false, 0)]
    [InlineData($"a=extmap:1 {Spoken}\r\na=extmap:2 {Mixed}", 1, true, 2)]
    [InlineData($"a=extmap:1 {Spoken} vad=off\r\na=extmap:2 {Spoken} vad=on", 2, true, 0)]
    [InlineData($"a=extmap:1 {Spoken}\r\na=extmap:1 {Mixed}", 0, false, 0)]
    [InlineData($"a=sendonly\r\na=extmap:1 {Spoken}\r\na=extmap:2 {Mixed}", 1, true, 0)]
    [InlineData($"a=inactive\r\na=extmap:1 {Spoken}\r\na=extmap:2 {Mixed}", 1, true, 2)]
    [Trait("RFC", "8285 §5")]
    [Trait("RFC", "8285 §7")]
    [Trait("RFC", "6464 §4")]
    public void A_mixer_takes_what_the_client_can_send_and_wants_to_receive(string lines, byte spoken, bool voice, byte mixed)
    {
        using var offer = Session([Audio, Crypto80, .. lines.Split("\r\n")]);
        using var media = Accepted(OfferAnswer.Examine(offer, Ours));
        Assert.Equal(new ExtensionIds(spoken, voice, mixed), media.Extensions);
    }

    [Fact]
    [Trait("RFC", "6465 §5")]
    public void The_answer_has_what_was_offered_under_its_number_and_nothing_else()
    {
        Assert.Equal(
            [$"extmap:6/recvonly {Spoken}", $"extmap:7/sendonly {Mixed}"],
            Answer(Audio, Crypto80, $"a=extmap:6 {Spoken}", $"a=extmap:7/recvonly {Mixed}", "a=extmap:8 urn:example:other"));
        Assert.Equal([$"extmap:6/recvonly {Spoken} vad=off"], Answer(Audio, Crypto80, $"a=extmap:6 {Spoken} vad=off"));
        Assert.Empty(Answer(Audio, Crypto80));
        Assert.Empty(Answer(Audio, Crypto80, "a=inactive", $"a=extmap:6 {Spoken}"));
    }

    [Fact]
    [Trait("RFC", "8285 §5")]
    public void A_map_at_session_level_counts_where_the_stream_has_none()
    {
        var head = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n" + $"a=extmap:5 {Spoken}\r\n";
        using var alone = Read(Bytes([.. head.Split("\r\n", StringSplitOptions.RemoveEmptyEntries), Audio, Crypto80]));
        using var beside = Read(Bytes([.. head.Split("\r\n", StringSplitOptions.RemoveEmptyEntries), Audio, Crypto80, $"a=extmap:7 {Mixed}"]));
        using var first = Accepted(OfferAnswer.Examine(alone, Ours));
        using var second = Accepted(OfferAnswer.Examine(beside, Ours));
        Assert.Equal(new ExtensionIds(5, true, 0), first.Extensions);
        Assert.Equal(new ExtensionIds(0, false, 7), second.Extensions);
    }

    [Fact]
    public void Offers_of_a_mixer_and_of_a_client_fit_together()
    {
        var client = Ours with { Levels = LevelSide.Client };
        using var key = Key(1);
        using var other = Key(2);
        foreach (var (asks, answers) in new[] { (client, Ours), (Ours, client) })
        {
            var plan = new OfferPlan(SdpOrigin.Of(1, 1, Here), Here, Here, [new OfferedCrypto(1, [key])])
            {
                Extensions = OfferPlan.FirstExtensions(asks.Levels),
                Levels = asks.Levels,
            };
            using var offer = Read(SdpWriter.ToBytes(OfferAnswer.CreateOffer(plan)));
            using var taken = Accepted(OfferAnswer.Examine(offer, answers));
            using var answer = Read(SdpWriter.ToBytes(OfferAnswer.Answer(taken, new LocalMedia(SdpOrigin.Of(2, 1, Here), Here, Here, [other]))));
            using var settled = Accepted(OfferAnswer.ExamineAnswer(offer, answer, asks));
            Assert.Equal(new ExtensionIds(1, true, 2), taken.Extensions);
            Assert.Equal(taken.Extensions, settled.Extensions);
        }
    }

    [Fact]
    public void An_answer_with_another_number_than_the_offer_s_takes_nothing()
    {
        using var key = Key(1);
        var plan = new OfferPlan(SdpOrigin.Of(1, 1, Here), Here, Here, [new OfferedCrypto(1, [key])])
        {
            Extensions = OfferPlan.FirstExtensions(LevelSide.Mixer),
            Levels = LevelSide.Mixer,
        };
        using var offer = OfferAnswer.CreateOffer(plan);
        using var answer = Session(Audio, Crypto80, $"a=extmap:3/sendonly {Spoken}", $"a=extmap:1/recvonly {Mixed}");
        using var settled = Accepted(OfferAnswer.ExamineAnswer(offer, answer, Ours));
        Assert.Equal(default, settled.Extensions);
    }

    [Fact]
    public void Two_clients_have_nothing_to_tell_each_other()
    {
        using var offer = Session(Audio, Crypto80, $"a=extmap:1/sendonly {Spoken}", $"a=extmap:2/recvonly {Mixed}");
        using var media = Accepted(OfferAnswer.Examine(offer, Ours with { Levels = LevelSide.Client }));
        Assert.Equal(default, media.Extensions);
    }

    private static string[] Answer(params string[] lines)
    {
        using var offer = Session(lines);
        using var media = Accepted(OfferAnswer.Examine(offer, Ours));
        using var key = Key(1);
        using var answer = Read(SdpWriter.ToBytes(OfferAnswer.Answer(media, new LocalMedia(SdpOrigin.Of(1, 1, Here), Here, Here, [key]))));
        return [.. answer.Media[0].Other.Select(l => l.Value)];
    }
}
