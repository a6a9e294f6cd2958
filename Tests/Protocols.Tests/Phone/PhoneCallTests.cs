using System.Collections.Immutable;
using System.Net;
using ConfCluster.Protocols.Mixing;
using ConfCluster.Protocols.Phone;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Srtp;
using ConfCluster.Support;
using Xunit;

namespace ConfCluster.Protocols.Tests.Phone;

/// <summary>Two phones back to back, on virtual time.</summary>
public sealed class PhoneCallTests : IDisposable
{
    private const double AlicesTone = 440;
    private const double BobsTone = 1000;
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);
    private readonly List<SimulatedPhone> _phones = [];
    private SimulatedNetwork _network = new(1, NetworkConditions.Clean);

    public void Dispose()
    {
        foreach (var phone in _phones) phone.Dispose();
    }

    [Fact]
    [Trait("RFC", "3261 §13")]
    public void Two_phones_hear_each_other_and_nothing_is_lost()
    {
        var (alice, bob) = Talking();
        Listen(2 * Second, alice, bob);
        Assert.True(alice.ShareOf(BobsTone) > 0.95, $"{alice.ShareOf(BobsTone)}");
        Assert.True(bob.ShareOf(AlicesTone) > 0.95, $"{bob.ShareOf(AlicesTone)}");
        Assert.True(alice.ShareOf(AlicesTone) < 0.01);

        alice.HangUp();
        _network.RunFor(Second);
        Assert.Equal(CallEnd.Us, alice.End!.How);
        Assert.Equal(CallEnd.Peer, bob.End!.How);
        foreach (var seen in (PhoneStatistics[])[alice.Audio.Statistics(), bob.Audio.Statistics()])
        {
            Assert.True(seen.PacketsReceived > 100);
            Assert.Equal((0ul, 0ul, 0ul, 0ul, 0), (seen.PacketsLost, seen.AuthFailures, seen.Replays, seen.Malformed, seen.Gaps));
            Assert.Single(seen.Ssrcs);
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    [Trait("RFC", "3261 §17.1.1.2")]
    public void A_call_is_set_up_and_ended_over_a_network_that_loses_a_third_and_doubles_and_reorders(int seed)
    {
        _network = new SimulatedNetwork(seed, new NetworkConditions(0.33, 0.1, TimeSpan.FromMilliseconds(20), TimeSpan.FromMilliseconds(60)));
        var (alice, bob) = Phones();
        alice.Dial(bob);
        _network.RunFor(20 * Second);
        Assert.Null(alice.End);
        Assert.Single(alice.Events.OfType<PhoneEvent.Answered>());
        Assert.Single(bob.Events.OfType<PhoneEvent.Answered>());
        Assert.True(alice.Audio.Statistics().PacketsLost > 0);
        Assert.Equal(0ul, alice.Audio.Statistics().AuthFailures + bob.Audio.Statistics().AuthFailures);

        bob.HangUp();
        _network.RunFor(40 * Second);
        Assert.Equal(CallEnd.Us, bob.End!.How);
        Assert.Equal(CallEnd.Peer, alice.End!.How);
    }

    [Fact]
    public void Lost_packets_are_concealed_and_doubled_ones_counted_as_replays()
    {
        var (alice, bob) = Talking();
        _network.Conditions = new NetworkConditions(0.05, 0.05, TimeSpan.FromMilliseconds(5), TimeSpan.FromMilliseconds(10));
        Listen(20 * Second, alice, bob);
        var heard = alice.Audio.Statistics();
        Assert.InRange(heard.PacketsLost, 10ul, 120ul);
        Assert.InRange(heard.Replays, 10ul, 120ul);
        Assert.True(heard.Concealed > 0);
        Assert.Equal(0ul, heard.AuthFailures);
        Assert.True(alice.ShareOf(BobsTone) > 0.8);
    }

    [Fact]
    [Trait("RFC", "4568 §6.1")]
    public void With_MKIs_wanted_on_both_sides_both_keys_have_one()
    {
        var settings = PhoneSettings.Default with { UseMki = true };
        var (alice, bob) = Talking(settings, settings);
        Listen(Second, alice, bob);
        Assert.Equal(4, alice.Medias[0].Downlink.Mki.Length);
        Assert.Equal(4, bob.Medias[0].Downlink.Mki.Length);
        Assert.True(bob.ShareOf(AlicesTone) > 0.95);
        Assert.True(alice.ShareOf(BobsTone) > 0.95);
    }

    [Fact]
    [Trait("RFC", "4568 §6.1")]
    public void An_MKI_that_was_not_offered_is_not_answered()
    {
        var (alice, bob) = Talking(PhoneSettings.Default, PhoneSettings.Default with { UseMki = true });
        Listen(Second, alice, bob);
        Assert.False(bob.Medias[0].Downlink.Mki.IsPresent);
        Assert.True(alice.ShareOf(BobsTone) > 0.95);
    }

    [Fact]
    [Trait("RFC", "4568 §5.1.2")]
    public void The_caller_s_first_suite_that_the_called_knows_is_taken()
    {
        var (alice, bob) = Talking(
            PhoneSettings.Default with { Suites = [SrtpProfile.AesCm128HmacSha1Tag32, SrtpProfile.AesCm128HmacSha1Tag80] }, PhoneSettings.Default);
        Listen(Second, alice, bob);
        Assert.Equal(SrtpProfile.AesCm128HmacSha1Tag32, alice.Medias[0].Downlink.Profile);
        Assert.Equal(SrtpProfile.AesCm128HmacSha1Tag32, bob.Medias[0].Downlink.Profile);
        Assert.True(bob.ShareOf(AlicesTone) > 0.95);
    }

    [Fact]
    [Trait("RFC", "3264 §8.4")]
    public void A_phone_on_hold_is_heard_no_more_hears_nothing_itself_and_both_talk_again_after()
    {
        var (alice, bob) = Talking();
        alice.Hold(true);
        _network.RunFor(Second);
        Assert.Equal((MediaDirection.SendOnly, MediaDirection.ReceiveOnly), (alice.Medias[^1].Direction, bob.Medias[^1].Direction));
        var sent = bob.Audio.Statistics().PacketsSent;
        Listen(Second, alice, bob);
        Assert.Equal(sent, bob.Audio.Statistics().PacketsSent);
        Assert.True(alice.Heard.TrueForAll(s => s == 0));
        Assert.True(bob.ShareOf(AlicesTone) > 0.95);

        alice.Hold(false);
        _network.RunFor(Second);
        Listen(Second, alice, bob);
        Assert.True(alice.ShareOf(BobsTone) > 0.95);
        Assert.Equal(0ul, alice.Audio.Statistics().AuthFailures + bob.Audio.Statistics().AuthFailures);
        Assert.Equal(2, bob.Events.OfType<PhoneEvent.Renegotiated>().Count());
    }

    [Fact]
    [Trait("RFC", "4568 §7.1.4")]
    public void A_new_address_brings_a_new_key_of_the_phone_that_moved_and_the_call_goes_on()
    {
        var (alice, bob) = Talking();
        alice.MoveTo(4100);
        _network.RunFor(Second);
        Listen(Second, alice, bob);
        Assert.False(alice.Medias[0].Downlink.KeyAndSalt.FixedTimeEquals(alice.Medias[^1].Downlink.KeyAndSalt));
        Assert.True(bob.Medias[0].Downlink.KeyAndSalt.FixedTimeEquals(bob.Medias[^1].Downlink.KeyAndSalt));
        Assert.Equal(4100, bob.Medias[^1].Remote.Port);
        Assert.True(bob.ShareOf(AlicesTone) > 0.95);
        Assert.True(alice.ShareOf(BobsTone) > 0.95);
    }

    [Fact]
    [Trait("RFC", "3261 §14.1")]
    public void When_both_change_at_once_each_is_told_491_and_both_get_their_way_in_the_end()
    {
        var (alice, bob) = Talking();
        alice.MoveTo(4100);
        bob.MoveTo(4200);
        _network.RunFor(10 * Second);
        Assert.Contains(alice.Sent.OfType<SipResponse>(), r => r.StatusCode == 491);
        Assert.Contains(bob.Sent.OfType<SipResponse>(), r => r.StatusCode == 491);
        Listen(Second, alice, bob);
        Assert.Equal((4100, 4200), (bob.Medias[^1].Remote.Port, alice.Medias[^1].Remote.Port));
        Assert.True(bob.ShareOf(AlicesTone) > 0.95);
        Assert.True(alice.ShareOf(BobsTone) > 0.95);
    }

    [Fact]
    [Trait("RFC", "3261 §9.1")]
    public void A_call_given_up_while_it_rings_is_cancelled_on_both_sides()
    {
        var (alice, bob) = Phones(null, PhoneSettings.Default with { AnswerAfter = 10 * Second });
        alice.Dial(bob);
        _network.RunFor(Second);
        Assert.Contains(alice.Events, e => e is PhoneEvent.Progress { Status: 180 });
        alice.HangUp();
        _network.RunFor(15 * Second);
        Assert.Equal((CallEnd.Cancelled, 487), (alice.End!.How, alice.End.Status));
        Assert.Equal(CallEnd.Cancelled, bob.End!.How);
        Assert.Empty(bob.Medias);
    }

    [Fact]
    [Trait("RFC", "3261 §9.1")]
    public void A_call_given_up_before_any_response_is_cancelled_when_the_first_one_comes()
    {
        var (alice, bob) = Phones(null, PhoneSettings.Default with { AnswerAfter = 10 * Second });
        alice.Dial(bob);
        alice.HangUp();
        Assert.DoesNotContain(alice.Sent.OfType<SipRequest>(), r => r.Method == SipMethod.Cancel);
        _network.RunFor(2 * Second);
        Assert.Equal(CallEnd.Cancelled, alice.End!.How);
    }

    [Fact]
    [Trait("RFC", "3261 §13.2.2.4")]
    public void A_2xx_that_comes_again_gets_the_same_ACK_again()
    {
        var (alice, bob) = Phones();
        var dropped = 0;
        _network.Drops = (from, _, bytes) => bytes.AsSpan().StartsWith("ACK "u8) && dropped++ < 3;
        alice.Dial(bob);
        _network.RunFor(10 * Second);
        Assert.Equal(4, dropped);
        Assert.Single(alice.Sent.OfType<SipRequest>().Where(r => r.Method == SipMethod.Ack).Select(r => r.Headers.TopVia!.Branch).Distinct());
        Assert.Null(bob.End);
    }

    [Fact]
    [Trait("RFC", "3261 §13.3.1.4")]
    public void Without_an_ACK_the_called_repeats_its_2xx_and_says_BYE_after_64_T1()
    {
        var (alice, bob) = Phones();
        _network.Drops = (_, _, bytes) => bytes.AsSpan().StartsWith("ACK "u8);
        alice.Dial(bob);
        _network.RunFor(40 * Second);
        Assert.Equal(CallEnd.NoAck, bob.End!.How);
        Assert.Equal(CallEnd.Peer, alice.End!.How);
        Assert.Equal(11, bob.Sent.OfType<SipResponse>().Count(r => r is { StatusCode: 200 } && r.Headers.CSeq.Method == SipMethod.Invite));
    }

    [Fact]
    [Trait("RFC", "3261 §17.1.1.2")]
    public void Nobody_there_is_408_after_64_T1()
    {
        var (alice, bob) = Phones();
        _network.Drops = (_, to, _) => to.Equals(bob.Sip);
        alice.Dial(bob);
        _network.RunFor(31 * Second);
        Assert.Null(alice.End);
        _network.RunFor(2 * Second);
        Assert.Equal((CallEnd.NoAnswer, 408), (alice.End!.How, alice.End.Status));
        Assert.Equal(7, alice.Sent.Count);
    }

    [Fact]
    [Trait("RFC", "4568 §5.1.2")]
    public void Without_a_common_suite_the_call_is_488_and_says_why()
    {
        var (alice, bob) = Phones(
            PhoneSettings.Default with { Suites = [SrtpProfile.AesCm128HmacSha1Tag32] }, PhoneSettings.Default with { Suites = [SrtpProfile.AesCm128HmacSha1Tag80] });
        alice.Dial(bob);
        _network.RunFor(2 * Second);
        Assert.Equal((CallEnd.Refused, 488), (alice.End!.How, alice.End.Status));
        Assert.StartsWith("306 ", alice.End.Detail, StringComparison.Ordinal);
        Assert.Empty(bob.Medias);
    }

    [Fact]
    public void A_call_without_protection_is_refused_by_a_phone_that_wants_it()
    {
        var (alice, bob) = Phones(PhoneSettings.Default with { Suites = ImmutableArray<SrtpProfile>.Empty });
        alice.Dial(bob);
        _network.RunFor(2 * Second);
        Assert.Equal(488, alice.End!.Status);
        Assert.StartsWith("302 ", alice.End.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_no_SIP_and_media_before_the_keys_change_nothing()
    {
        var (alice, bob) = Phones();
        _network.Send(bob.Sip, alice.Sip, "hello"u8);
        _network.Send(bob.Sip, new IPEndPoint(alice.Sip.Address, 4000), new byte[60]);
        _network.RunFor(Second);
        Assert.Empty(alice.Sent);
        Assert.Equal(1ul, alice.Call.Malformed);
        Assert.Equal(1ul, alice.Audio.Statistics().Early);
    }

    private (SimulatedPhone Alice, SimulatedPhone Bob) Talking(PhoneSettings? alices = null, PhoneSettings? bobs = null)
    {
        var (alice, bob) = Phones(alices, bobs);
        alice.Dial(bob);
        _network.RunFor(Second);
        Assert.Single(alice.Medias);
        return (alice, bob);
    }

    private (SimulatedPhone Alice, SimulatedPhone Bob) Phones(PhoneSettings? alices = null, PhoneSettings? bobs = null)
    {
        var (a, b) = (IPEndPoint.Parse("10.0.0.1:5060"), IPEndPoint.Parse("10.0.0.2:5060"));
        var alice = new SimulatedPhone(_network, "10.0.0.1", b, AlicesTone, 11, alices);
        var bob = new SimulatedPhone(_network, "10.0.0.2", a, BobsTone, 22, bobs);
        _phones.AddRange([alice, bob]);
        return (alice, bob);
    }

    private void Listen(TimeSpan time, params SimulatedPhone[] phones)
    {
        foreach (var phone in phones) phone.Heard.Clear();
        _network.RunFor(time);
    }
}
