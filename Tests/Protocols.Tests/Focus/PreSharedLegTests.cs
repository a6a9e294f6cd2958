using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Focus;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Mikey;
using ConfCluster.Protocols.Mikey.Exchanges;
using ConfCluster.Protocols.Mikey.Payloads;
using ConfCluster.Protocols.Phone;
using ConfCluster.Protocols.Sdp;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Srtp;
using Xunit;
using static ConfCluster.Protocols.Focus.ParticipantEffect;
using static ConfCluster.Protocols.Tests.Focus.KeyScene;

namespace ConfCluster.Protocols.Tests.Focus;

/// <summary>A leg that is keyed under a pre-shared key, from the INVITE to the changes of the group key.</summary>
public sealed class PreSharedLegTests
{
    private const uint Named = 1u << 30 | 1;

    [Theory]
    [InlineData("AES_CM_128_HMAC_SHA1_80")]
    [InlineData("AES_CM_128_HMAC_SHA1_32")]
    [InlineData("AES_256_CM_HMAC_SHA1_80")]
    [InlineData("AEAD_AES_256_GCM")]
    [Trait("RFC", "3830 §3.1")]
    [Trait("RFC", "4567 §4.1.2")]
    [Trait("RFC", "4568 §7.5")]
    public void Both_sides_have_the_keys_of_the_offer_and_the_answer_holds_none(string suite)
    {
        using var phone = new PreSharedPhone(SrtpProfile.Find(suite));
        phone.Focus.Context = phone.Focus.Context with
        {
            Settings = phone.Focus.Context.Settings with { Media = MediaCapabilities.Default with { Suites = SrtpProfile.All } },
        };
        phone.Dial();
        using (var offer = TicketCall.Wire(phone.Invite)) Assert.Equal((1, 0), (offer.Media[0].KeyManagement.Length, offer.Media[0].Crypto.Length));
        phone.Focus.None<Join>();
        phone.Check();
        Assert.True(phone.Focus.Only<Join>().Ability is { TakesMki: true, IsProtected: true });
        phone.Focus.Accept(ParticipantScene.Group(1));
        phone.Focus.Open();
        var message = Message(phone.Focus.Response);
        Assert.Equal((MessageType.PreSharedVerification, (Kemac?)null), (message.Header.Type, message.First<Kemac>()));
        phone.Focus.Do(new ParticipantInput.AckArrived((SipRequest)phone.Deliver(phone.Focus.Response)!));
        Assert.Equal((LegKeyAnswer.Ready, default(KeyEpoch)), (phone.Focus.Only<ReportKey>().Answer, phone.Focus.Only<ReportKey>().Epoch));
        using var media = phone.Focus.Only<SetLegMedia>().Media;
        Assert.Equal([Named], phone.Heard.Select(k => (uint)k.Mki.Value));
        Assert.True(phone.Heard[0].KeyAndSalt.FixedTimeEquals(media.Downlink!.KeyAndSalt));
        Assert.True(phone.Sends!.KeyAndSalt.FixedTimeEquals(media.Uplink[0].KeyAndSalt));
        Assert.False(phone.Sends.KeyAndSalt.FixedTimeEquals(phone.Heard[0].KeyAndSalt));
        Assert.Equal(suite, media.Uplink[0].Profile.Name);
    }

    [Theory]
    [Trait("RFC", "3830 §4.5")]
    [InlineData(false)]
    [InlineData(true)]
    public void Each_group_key_goes_out_in_an_update_of_ours_that_the_phone_confirms(bool holds)
    {
        using var phone = new PreSharedPhone();
        phone.Join();
        for (uint epoch = 1; epoch < 5; epoch++)
        {
            var key = phone.Focus.OfferKey(epoch, epoch == 1 ? null : epoch - 1);
            var update = Message(Sent(phone.Focus));
            Assert.Equal((MessageType.PreShared, (RandomValue?)null), (update.Header.Type, update.First<RandomValue>()));
            var response = (SipResponse)phone.Deliver(Sent(phone.Focus))!;
            uint[] expected = epoch == 1 ? [1, Named] : [epoch - 1, epoch, Named];
            Assert.Equal(expected, phone.Heard.Select(k => (uint)k.Mki.Value));
            Assert.True(phone.Heard[^2].KeyAndSalt.FixedTimeEquals(key.For(phone.Heard[0].Profile)!.KeyAndSalt));
            phone.Focus.Do(new ParticipantInput.ResponseArrived(response));
            Assert.Equal(LegKeyAnswer.Took, phone.Focus.Only<ReportKey>().Answer);
            phone.Focus.None<SetLegMedia>();
            if (holds) Hold(phone, epoch % 2 == 1);
        }
    }

    [Fact]
    [Trait("RFC", "3830 §5.4")]
    public void An_INVITE_that_is_played_again_is_refused()
    {
        using var phone = new PreSharedPhone();
        phone.Join();
        var again = new ParticipantScene { Context = phone.Focus.Context };
        again.Receive(phone.Invite);
        Refused(again, phone.Check(again.Only<CheckPreShared>().Offer), ExchangeError.Replayed);
    }

    [Fact]
    public void A_wrong_key_and_a_stranger_look_the_same()
    {
        using var phone = new PreSharedPhone();
        phone.Dial();
        var offer = phone.Focus.Only<CheckPreShared>().Offer;
        var unknown = offer.Verify(null, phone.Replays, new ExchangeContext(PreSharedPhone.Now, s => s.Clear(), TimeSpan.FromMinutes(1)), out _);
        Assert.Equal(ExchangeError.MacMismatch, unknown);
        Refused(phone.Focus, phone.Check(offer, psk: 8), ExchangeError.MacMismatch);
        phone.Deliver(phone.Focus.Response);
        Assert.Equal(CallEnd.Refused, phone.End!.How);
    }

    [Fact]
    public void A_message_of_somebody_else_or_for_another_room_is_refused_before_a_key_is_looked_for()
    {
        foreach (var phone in new[] { new PreSharedPhone(room: "other"), new PreSharedPhone(from: "mallory") })
        {
            using (phone)
            {
                phone.Dial();
                Assert.Equal(488, phone.Focus.Response.StatusCode);
                Assert.Contains("WrongParty", phone.Focus.Response.Headers.First("Warning"), StringComparison.Ordinal);
                phone.Focus.None<CheckPreShared>();
            }
        }
    }

    [Fact]
    public void Where_such_keys_are_not_taken_the_refusal_says_so()
    {
        using var phone = new PreSharedPhone(isTaken: false);
        phone.Dial();
        Assert.Equal(488, phone.Focus.Response.StatusCode);
        Assert.Contains("pre-shared key are not taken here", phone.Focus.Response.Headers.First("Warning"), StringComparison.Ordinal);
    }

    [Fact]
    public void A_phone_without_MKI_has_a_key_of_its_own()
    {
        using var phone = new PreSharedPhone(mki: false);
        phone.Dial();
        phone.Check();
        Assert.True(phone.Focus.Only<Join>().Ability is { TakesMki: false, IsProtected: true });
        phone.Focus.Accept();
        phone.Focus.Open();
        phone.Focus.Do(new ParticipantInput.AckArrived((SipRequest)phone.Deliver(phone.Focus.Response)!));
        using var media = phone.Focus.Only<SetLegMedia>().Media;
        Assert.Equal((Mki.None, Mki.None), (phone.Heard[0].Mki, media.Downlink!.Mki));
        Assert.True(phone.Heard[0].KeyAndSalt.FixedTimeEquals(media.Downlink.KeyAndSalt));
    }

    [Fact]
    public void A_caller_that_hangs_up_while_its_key_is_looked_for_leaves_nothing_behind()
    {
        using var phone = new PreSharedPhone();
        phone.Dial();
        var found = phone.Check(phone.Focus.Only<CheckPreShared>().Offer);
        phone.Deliver(phone.Invite.CreateResponse(100));
        phone.Focus.Receive((SipRequest)PreSharedPhone.Sent(phone.Call.HangUp())!);
        Assert.Equal([200, 487], phone.Focus.Effects.OfType<Respond>().Select(r => r.Response.StatusCode));
        phone.Focus.Do(found);
        phone.Focus.None<Join>();
        Assert.Equal(3, phone.Focus.Effects.OfType<Destroy>().Count());
    }

    [Fact]
    [Trait("RFC", "4567 §4.1.2")]
    public void An_answer_to_an_update_without_the_bundles_message_ends_the_call()
    {
        using var phone = new PreSharedPhone();
        phone.Join();
        phone.Focus.OfferKey(1, null);
        phone.Focus.Reply(Sent(phone.Focus), 200, ParticipantScene.Offer(1, mki: "|1:4"));
        Assert.Equal(LeaveReason.DialogFailed, phone.Focus.Only<Leave>().Reason);
    }

    [Fact]
    public void No_key_of_a_leg_is_in_what_is_stored()
    {
        using var phone = new PreSharedPhone();
        phone.Join();
        var fact = Assert.IsType<DialogFact.DialogConfirmed>(phone.Focus.Only<Store>().Fact);
        Assert.DoesNotContain("key-mgmt", fact.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("crypto", fact.ToString(), StringComparison.Ordinal);
    }

    private static void Refused(ParticipantScene focus, ParticipantInput.PreSharedChecked found, ExchangeError error)
    {
        Assert.Equal((null, error), (found.Opening, found.Error));
        focus.Do(found);
        Assert.Equal(488, focus.Response.StatusCode);
        Assert.Contains($"{error}", focus.Response.Headers.First("Warning"), StringComparison.Ordinal);
        focus.None<Join>();
    }

    /// <summary>An update of the phone's, which names its own key again.</summary>
    private static void Hold(PreSharedPhone phone, bool on)
    {
        var before = phone.Heard;
        phone.Focus.Receive((SipRequest)PreSharedPhone.Sent(phone.Call.Hold(on))!);
        Assert.Equal(200, phone.Focus.Response.StatusCode);
        Assert.Equal(MessageType.PreSharedVerification, Message(phone.Focus.Response).Header.Type);
        phone.Focus.Do(new ParticipantInput.AckArrived((SipRequest)phone.Deliver(phone.Focus.Response)!));
        Assert.Equal(before.Select(k => k.Mki), phone.Heard.Select(k => k.Mki));
    }

    private static MikeyMessage Message(SipMessage message)
    {
        using var session = TicketCall.Wire(message);
        Assert.Empty(session.Media[0].Crypto);
        Assert.True(MikeyReader.TryRead(session.Media[0].KeyManagement[0].Message, out var read, out _));
        return read!;
    }
}
