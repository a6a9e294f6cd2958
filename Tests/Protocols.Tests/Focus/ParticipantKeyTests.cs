using System.Text;
using System.Text.RegularExpressions;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Focus;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Rtp;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Parsing;
using ConfCluster.Protocols.Sip.Sessions;
using ConfCluster.Protocols.Srtp;
using Xunit;
using static ConfCluster.Protocols.Focus.ParticipantEffect;
using static ConfCluster.Protocols.Tests.Focus.KeyScene;
using static ConfCluster.Protocols.Tests.Focus.ParticipantScene;

namespace ConfCluster.Protocols.Tests.Focus;

/// <summary>Group keys in a dialog: which SDP names which keys, and what the conference hears of it.</summary>
public sealed partial class ParticipantKeyTests
{
    private static readonly SessionTimerPolicy Timer = new(TimeSpan.FromMinutes(30), SessionExpires.DefaultMinimum);

    [Theory]
    [InlineData("|1:4", "User-Agent: Acme 1.0\r\n", true, "Acme 1.0")]
    [InlineData("", "", false, "")]
    public void The_conference_is_told_what_the_offer_and_its_hop_can_do(string mki, string agent, bool takes, string name)
    {
        var scene = new ParticipantScene();
        scene.Receive(Request("INVITE", sdp: Offer(mki: mki), extra: agent));
        Assert.Equal(new LegAbility(takes, IsProtected: true, name), scene.Only<Join>().Ability);
    }

    [Theory]
    [InlineData(SipTransport.Udp, "192.0.2.1", "192.0.2.1", false)]
    [InlineData(SipTransport.Tcp, "127.0.0.1", "192.0.2.1", false)]
    [InlineData(SipTransport.Udp, "::1", "::1", true)]
    [InlineData(SipTransport.Tls, "192.0.2.1", "192.0.2.2", true)]
    [Trait("RFC", "4568 §7")]
    public void A_hop_is_protected_by_TLS_or_by_not_leaving_the_machine(SipTransport transport, string here, string there, bool isProtected)
    {
        var scene = new ParticipantScene();
        var flow = new SipFlow(transport, new(System.Net.IPAddress.Parse(here), 5060), new(System.Net.IPAddress.Parse(there), 5080));
        scene.Receive(Request("INVITE", sdp: Offer(mki: "|1:4")), flow);
        Assert.Equal(isProtected, scene.Only<Join>().Ability.IsProtected);
    }

    [Fact]
    [Trait("RFC", "4568 §6.1")]
    [Trait("RFC", "4568 §9.2")]
    public void The_answer_tells_the_group_key_and_then_the_legs_own()
    {
        var scene = Opening(Offer(mki: "|1:4"));
        scene.Accept(Group(5));
        scene.Open();

        var text = Encoding.ASCII.GetString(scene.Response.Body.Span);
        Assert.Matches(CryptoLine(), text.Split("\r\n").Single(l => l.StartsWith("a=crypto:", StringComparison.Ordinal)));
        Assert.Equal([5u, 1u << 31 | 1], MkisIn(scene.Response.Body));
        using var answer = Description(scene.Response.Body);
        using var group = Group(5);
        Assert.True(answer.Media[0].Crypto[0].Keys[0].KeyAndSalt.FixedTimeEquals(group.For(SrtpProfile.AesCm128HmacSha1Tag80)!.KeyAndSalt));
        Assert.All(answer.Media[0].Crypto[0].Keys, k => Assert.Equal(4, k.Mki.Length));

        scene.None<ReportKey>();
        scene.Ack();
        Assert.Equal(new ReportKey(Room, LegKeyAnswer.Ready, new KeyEpoch(5), TimeSpan.Zero), scene.Only<ReportKey>());
        using var media = scene.Only<SetLegMedia>().Media;
        Assert.True(media.Downlink.KeyAndSalt.FixedTimeEquals(answer.Media[0].Crypto[0].Keys[1].KeyAndSalt));
        scene.Ack();
        scene.None<ReportKey>();
    }

    [Fact]
    public void A_leg_without_MKI_is_told_the_group_key_alone_and_the_mixer_its_own()
    {
        var scene = Opening();
        scene.Accept(Group(5));
        scene.Open();
        Assert.Equal([0u], MkisIn(scene.Response.Body));
        using var answer = Description(scene.Response.Body);
        var told = answer.Media[0].Crypto[0].Keys[0];
        using var group = Group(5);
        Assert.True(told.KeyAndSalt.FixedTimeEquals(group.For(told.Profile)!.KeyAndSalt));

        scene.Ack();
        using var media = scene.Only<SetLegMedia>().Media;
        Assert.False(media.Downlink.Mki.IsPresent);
        Assert.False(media.Downlink.KeyAndSalt.FixedTimeEquals(told.KeyAndSalt));

        scene.OfferKey(6, 5);
        var offer = scene.Only<SendRequest>().Request;
        Assert.Equal([0u], MkisIn(offer.Body));
        using var next = Description(offer.Body);
        using var newer = Group(6);
        Assert.True(next.Media[0].Crypto[0].Keys[0].KeyAndSalt.FixedTimeEquals(newer.For(told.Profile)!.KeyAndSalt));
    }

    [Fact]
    public void An_offer_of_ours_before_the_dialog_is_confirmed_tells_no_group_key()
    {
        var scene = new ParticipantScene();
        scene.Receive(Request("INVITE"));
        Assert.Equal(LegAbility.None, scene.Only<Join>().Ability);
        scene.Accept(Group(1));
        scene.Open();
        Assert.DoesNotContain(MkisIn(scene.Response.Body), m => m != 0);
        scene.Ack(1, Offer());
        Assert.Equal(new KeyEpoch(0), scene.Only<ReportKey>().Epoch);
        Assert.Empty(scene.State.Secrets.OfType<GroupKey>());
    }

    [Fact]
    [Trait("RFC", "4568 §7.1.2")]
    public void Who_sends_under_the_group_key_is_refused_at_its_first_offer()
    {
        using var group = Group(1);
        var scene = Opening(Offer(mki: "|1:4").Replace(Key(1), Text(group), StringComparison.Ordinal));
        scene.Accept(Group(1));
        scene.Open();
        Assert.Equal(488, scene.Response.StatusCode);
        scene.Only<Leave>();
    }

    [Theory]
    [InlineData("INVITE")]
    [InlineData("UPDATE")]
    [Trait("RFC", "4568 §7.1.2")]
    public void Who_offers_the_group_key_later_is_refused_and_keeps_its_call(string method)
    {
        using var group = Group(1);
        var scene = Grouped();
        scene.Receive(Later(method, 2, Offer(2, mki: "|1:4").Replace(Key(1), Text(group), StringComparison.Ordinal)));
        Assert.Equal(488, scene.Response.StatusCode);
        Assert.IsType<ParticipantState.Confirmed>(scene.State);
    }

    /// <summary>Whoever tries a key learns from the answer neither that it is in use nor whose it is: any keying that is not taken gets the same.</summary>
    [Fact]
    [Trait("RFC", "4568 §7.1.2")]
    public void A_key_of_the_group_a_key_of_another_leg_and_keying_that_policy_refuses_get_the_same_answer()
    {
        using var group = Group(5);
        var ofTheGroup = Opening(Offer(mki: "|1:4").Replace(Key(1), Text(group), StringComparison.Ordinal));
        ofTheGroup.Accept(Group(5));
        ofTheGroup.Open();
        var ofAnother = Opening();
        ofAnother.Do(new ParticipantInput.LegRefused(Mixer, Rejection.KeyingRefused));
        var byPolicy = Joining();
        byPolicy.Do(new ParticipantInput.JoinRefused(Room, Rejection.KeyingRefused));
        var said = new[] { ofTheGroup, ofAnother, byPolicy }.Select(s => Encoding.ASCII.GetString(SipWriter.ToBytes(s.Response))).ToList();
        Assert.StartsWith("SIP/2.0 488 Keying Not Acceptable Here", said[0], StringComparison.Ordinal);
        Assert.Single(said.Distinct());
    }

    [Fact]
    [Trait("RFC", "4568 §7.1.2")]
    public void An_answer_that_repeats_the_group_key_ends_the_call()
    {
        using var group = Group(2);
        var scene = Grouped();
        scene.OfferKey(2, 1);
        scene.Reply(Sent(scene), 200, Offer(2, mki: "|1:4").Replace(Key(1), Text(group), StringComparison.Ordinal));
        Assert.Equal(SipMethod.Bye, Sent(scene).Method);
        scene.None<ReportKey>();
    }

    [Theory]
    [InlineData("INVITE")]
    [InlineData("UPDATE")]
    public void Every_later_SDP_of_ours_tells_the_whole_present_set(string method)
    {
        var scene = Grouped();
        Take(scene, 2, inUse: 1);
        scene.Receive(Later(method, 2, Offer(2, direction: "sendonly", mki: "|1:4")));
        Assert.Equal([1u, 2u, 1u << 31 | 1], MkisIn(scene.Response.Body));
        if (method == "INVITE") scene.Ack(2);
        scene.Receive(Later("INVITE", 3));
        Assert.Equal([1u, 2u, 1u << 31 | 1], MkisIn(scene.Response.Body));
        scene.Ack(3, Offer(3, mki: "|1:4"));
        scene.None<ReportKey>();
    }

    [Fact]
    [Trait("RFC", "4028 §7.4")]
    public void A_refresh_by_re_INVITE_repeats_the_offer_of_the_newest_key_to_the_octet()
    {
        var scene = Grouped("", timer: Timer);
        scene.OfferKey(2, 1);
        var offer = Sent(scene).Body.Span.ToArray();
        scene.Reply(Sent(scene), 200, Offer(1, mki: "|1:4"));
        scene.Fire(ParticipantTimer.Refresh);
        Assert.Equal(offer, Sent(scene).Body.Span.ToArray());
    }

    [Fact]
    public void In_the_group_an_offer_without_MKI_is_refused()
    {
        var scene = Grouped();
        scene.Receive(Later("INVITE", 2, Offer(2)));
        Assert.Equal(488, scene.Response.StatusCode);
    }

    [Fact]
    public void Who_gave_up_its_MKI_before_the_group_had_a_key_is_never_told_one()
    {
        var scene = Confirmed(Offer(mki: "|1:4"));
        scene.Receive(Later("INVITE", 2, Offer(2)));
        scene.Ack(2);
        scene.OfferKey(1, null);
        Assert.Equal(LegKeyAnswer.Refused, scene.Only<ReportKey>().Answer);
        scene.None<SendRequest>();
    }

    [Fact]
    public void Another_suite_brings_the_group_key_of_that_suite()
    {
        var scene = Grouped();
        scene.Receive(Later("INVITE", 2, Offer(2, key: 4, suite: "AES_CM_128_HMAC_SHA1_32", mki: "|1:4")));
        Assert.Equal([1u, 1u << 31 | 3], MkisIn(scene.Response.Body));
        using var answer = Description(scene.Response.Body);
        using var group = Group(1);
        Assert.True(answer.Media[0].Crypto[0].Keys[0].KeyAndSalt.FixedTimeEquals(group.For(SrtpProfile.AesCm128HmacSha1Tag32)!.KeyAndSalt));
    }

    [Fact]
    public void The_join_told_twice_brings_the_newer_key()
    {
        var scene = Opening(Offer(mki: "|1:4"));
        scene.Accept(Group(2));
        scene.Accept(Group(3));
        scene.Accept(Group(2));
        scene.Accept();
        scene.Open();
        Assert.Equal([3u, 1u << 31 | 1], MkisIn(scene.Response.Body));
    }

    [Fact]
    public void A_dialled_phone_is_ready_with_its_ACK_and_gets_no_key_with_it()
    {
        var scene = DialScene.Calling();
        scene.Respond(200, sdp: DialScene.Answer());
        Assert.Equal(LegAbility.None, scene.Effects.OfType<Join>().Single().Ability);
        var key = Group(1);
        scene.Do(new ParticipantInput.JoinAccepted(Room, Mixer, new Ssrc(7)) { Key = key });
        Assert.Equal(new ReportKey(Room, LegKeyAnswer.Ready, default, TimeSpan.Zero), scene.Effects.OfType<ReportKey>().Single());
        Assert.Throws<ObjectDisposedException>(() => key.Keys[0].KeyAndSalt.Reveal().Length);
        scene.Do(new ParticipantInput.KeyOffered(Room, Group(1), null));
        Assert.Equal([0u], MkisIn(scene.Effects.OfType<SendRequest>().Single().Request.Body));
    }

    private static string Text(GroupKey group) => Convert.ToBase64String(group.For(SrtpProfile.AesCm128HmacSha1Tag80)!.KeyAndSalt.Reveal());

    /// <summary>RFC 4568 §9.2: key-params separated by ";", key-info with an MKI of decimal digits and its length.</summary>
    [GeneratedRegex(@"^a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:[A-Za-z0-9+/]{40}\|5:4;inline:[A-Za-z0-9+/]{40}\|2147483649:4$")]
    private static partial Regex CryptoLine();
}
