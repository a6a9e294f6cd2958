using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Focus;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Mikey.Exchanges;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Tests.Mikey;
using Xunit;
using static ConfCluster.Protocols.Focus.ParticipantEffect;
using static ConfCluster.Protocols.Tests.Focus.KeyScene;

namespace ConfCluster.Protocols.Tests.Focus;

/// <summary>Offers in the dialog of a leg with a ticket: a new ticket, a CSB update of the phone's own.</summary>
public sealed class TicketRenewalTests
{
    [Theory]
    [InlineData("INVITE")]
    [InlineData("UPDATE")]
    [Trait("RFC", "6043 §4.2.2")]
    public void A_new_ticket_begins_a_new_bundle_and_our_keys_stay(string method)
    {
        using var phone = Joined();
        var (bundle, before) = (phone.Bundle.CsbId, phone.Heard);
        phone.Later(method, phone.WithTicket(2, 2, "|1073741826:4"));
        phone.Focus.None<Respond>();
        phone.Resolve();
        Assert.Equal(200, phone.Focus.Response.StatusCode);
        phone.ReadFirst(phone.Focus.Response.Body);
        using var media = phone.Focus.Only<SetLegMedia>().Media;
        Assert.Equal(1073741826ul, media.Uplink[0].Mki.Value);
        if (method == "INVITE") phone.Ack();
        Assert.NotEqual(bundle, phone.Bundle.CsbId);
        Assert.Equal(before.Select(k => k.Mki), phone.Heard.Select(k => k.Mki));
        Assert.All(before.Zip(phone.Heard), k => Assert.True(k.First.KeyAndSalt.FixedTimeEquals(k.Second.KeyAndSalt)));

        // What follows is of the new bundle.
        phone.Focus.OfferKey(2, 1);
        phone.Focus.Reply(Sent(phone.Focus), 200, phone.Answer(Sent(phone.Focus).Body, 3));
        Assert.Equal(LegKeyAnswer.Took, phone.Focus.Only<ReportKey>().Answer);
        Assert.Equal([1u, 2u, 1u << 31 | 1], phone.Heard.Select(k => (uint)k.Mki.Value));
        phone.NamesAreUnique();
    }

    [Fact]
    [Trait("RFC", "6043 §5.2")]
    public void A_CSB_update_of_the_phone_changes_its_key_and_none_of_ours()
    {
        using var phone = Joined();
        var before = phone.Heard;
        phone.Later("UPDATE", phone.WithUpdate(2, 2, "|1073741826:4"));
        phone.Focus.None<ResolveTicket>();
        Assert.Equal(200, phone.Focus.Response.StatusCode);
        using var media = phone.Focus.Only<SetLegMedia>().Media;
        Assert.Equal((1073741826ul, 1ul << 31 | 1), (media.Uplink[0].Mki.Value, media.Downlink.Mki.Value));
        Assert.True(media.Downlink.KeyAndSalt.FixedTimeEquals(before[^1].KeyAndSalt));
    }

    [Theory]
    [InlineData(true, 503)]
    [InlineData(false, 488)]
    public void A_ticket_that_is_not_resolved_leaves_the_leg_as_it_was(bool isUnreachable, int status)
    {
        using var phone = Joined();
        var leg = phone.Leg;
        phone.Later("INVITE", phone.WithTicket(2, 2, "|1073741826:4"));
        phone.Focus.Do(new ParticipantInput.TicketResolved(null, ExchangeError.NotAuthorised, isUnreachable));
        Assert.Equal(status, phone.Focus.Response.StatusCode);
        phone.Focus.None<SetLegMedia>();
        phone.Focus.OfferKey(2, 1);
        phone.Focus.Reply(Sent(phone.Focus), 200, phone.Answer(Sent(phone.Focus).Body, 2));
        Assert.Equal((leg!.Secret, LegKeyAnswer.Took), (phone.Leg!.Secret, phone.Focus.Only<ReportKey>().Answer));
    }

    [Fact]
    public void A_ticket_of_somebody_else_is_refused_before_the_KMS_is_asked()
    {
        using var phone = Joined();
        phone.Later("INVITE", phone.WithTicket(2, 2, "|1073741826:4", KmsScene.Eve));
        Assert.Equal(488, phone.Focus.Response.StatusCode);
        Assert.Contains("WrongParty", phone.Focus.Response.Headers.First("Warning"), StringComparison.Ordinal);
        phone.Focus.None<ResolveTicket>();
    }

    [Fact]
    [Trait("RFC", "3261 §14.2")]
    public void While_the_KMS_is_asked_other_offers_wait_and_a_new_group_key_goes_out_afterwards()
    {
        using var phone = Joined();
        phone.Later("INVITE", phone.WithTicket(2, 2, "|1073741826:4"));
        var asked = phone.Focus.Only<ResolveTicket>().Transfer;
        phone.Later("UPDATE", "");
        Assert.Equal(500, phone.Focus.Response.StatusCode);
        phone.Focus.OfferKey(2, 1);
        phone.Focus.None<SendRequest>();
        phone.Focus.Do(TicketCall.Resolve(asked, phone.Kms, new ReplayCache(9, TimeSpan.FromMinutes(1)), KmsScene.Room));
        phone.ReadFirst(phone.Focus.Response.Body);
        phone.Focus.Ack(2);
        Assert.Equal("UPDATE", Sent(phone.Focus).Method.Name);
        phone.Focus.Reply(Sent(phone.Focus), 200, phone.Answer(Sent(phone.Focus).Body, 3));
        Assert.Equal(LegKeyAnswer.Took, phone.Focus.Only<ReportKey>().Answer);
    }

    [Fact]
    [Trait("RFC", "3261 §15.1.2")]
    public void Whoever_ends_the_call_while_the_KMS_is_asked_the_request_is_answered()
    {
        using var byPhone = Joined();
        byPhone.Later("INVITE", byPhone.WithTicket(2, 2, "|1073741826:4"));
        byPhone.Later("BYE", "");
        Assert.Equal([487, 200], byPhone.Focus.Effects.OfType<Respond>().Select(r => r.Response.StatusCode));
        Assert.Equal(LeaveReason.Bye, byPhone.Focus.Only<Leave>().Reason);

        using var byUs = Joined();
        byUs.Later("INVITE", byUs.WithTicket(2, 2, "|1073741826:4"));
        var invite = byUs.Focus.Only<ResolveTicket>();
        byUs.Focus.Do(new ParticipantInput.EndRequested(ParticipantScene.Room, LeaveReason.Evicted));
        Assert.Equal(487, byUs.Focus.Response.StatusCode);
        Assert.Equal(SipMethod.Bye, Sent(byUs.Focus).Method);

        // Too late: its keys are let go.
        byUs.Focus.Do(TicketCall.Resolve(invite.Transfer, byUs.Kms, new ReplayCache(9, TimeSpan.FromMinutes(1)), KmsScene.Room));
        byUs.Focus.Only<Destroy>();
    }

    [Fact]
    [Trait("RFC", "3261 §9.2")]
    public void A_cancelled_renewal_leaves_the_leg_as_it_was()
    {
        using var phone = Joined();
        phone.Later("INVITE", phone.WithTicket(2, 2, "|1073741826:4"));
        var cancel = ParticipantScene.Request("CANCEL", "z9hG4bKINVITE2", 2, ParticipantScene.Id.Value);
        phone.Focus.Receive(cancel);
        Assert.Equal([200, 487], phone.Focus.Effects.OfType<Respond>().Select(r => r.Response.StatusCode).Order());
        phone.Focus.OfferKey(2, 1);
        Assert.Equal("UPDATE", Sent(phone.Focus).Method.Name);
    }

    private static ForeignPhone Joined()
    {
        var phone = new ForeignPhone();
        phone.Join(key: ParticipantScene.Group(1));
        return phone;
    }
}
