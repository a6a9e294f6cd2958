using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Focus;
using ConfCluster.Protocols.Keys.Rekeying;
using ConfCluster.Protocols.Mikey;
using ConfCluster.Protocols.Sip.Messages;
using Xunit;
using static ConfCluster.Protocols.Focus.ParticipantEffect;

namespace ConfCluster.Protocols.Tests.Focus;

/// <summary>A phone with a ticket that sends under the group's key: what it is told to send with stands in the map of sessions (RFC 6043 §6.1.1).</summary>
public sealed class TicketUplinkTests
{
    [Fact]
    [Trait("RFC", "6043 §6.1.1")]
    public void The_SSRC_that_it_will_send_under_goes_to_the_conference_before_anything_is_answered()
    {
        using var call = new TicketCall();
        call.Dial();
        call.Resolve();
        Assert.Equal(0x1234u, call.Focus.Only<Join>().Ability.TicketSsrc);
    }

    [Fact]
    public void It_sends_under_the_key_that_the_answer_names_and_under_each_that_an_update_names()
    {
        using var call = new TicketCall();
        call.Join(LegKeying.GroupBothWays);
        Assert.Equal(1u, call.Sends!.Mki.Value);
        for (uint epoch = 2; epoch < 5; epoch++)
        {
            call.Update(epoch);
            Assert.Equal(epoch, call.Sends.Mki.Value);
        }

        using var group = ParticipantScene.Group(4);
        Assert.True(call.Sends.KeyAndSalt.FixedTimeEquals(group.For(call.Sends.Profile)!.KeyAndSalt));
    }

    [Fact]
    public void Without_that_rule_it_sends_under_its_own_key_for_the_whole_call()
    {
        using var call = new TicketCall();
        call.Join();
        call.Update(2);
        Assert.Equal(1u << 30 | 1, call.Sends!.Mki.Value);
    }

    [Fact]
    public void Its_own_answer_names_what_it_sends_with()
    {
        using var call = new TicketCall();
        call.Join(LegKeying.GroupBothWays);
        call.Focus.OfferKey(2, 1);
        var response = (SipResponse)call.Deliver(KeyScene.Sent(call.Focus))!;
        using var answer = TicketCall.Wire(response);
        Assert.True(MikeyReader.TryRead(answer.Media[0].KeyManagement[0].Message, out var message, out _));
        Assert.Equal(Octets.CopyOf([0, 0, 0, 2]), ((CsIdMap.Generic)message!.Header.Map).Sessions[0].Spi);
    }

    [Fact]
    public void An_SSRC_that_is_taken_is_refused_before_anything_is_answered()
    {
        using var call = new TicketCall();
        call.Dial();
        call.Resolve();
        call.Focus.Do(new ParticipantInput.JoinRefused(ParticipantScene.Room, Rejection.SsrcTaken));
        Assert.Equal(488, call.Focus.Response.StatusCode);
        call.Focus.None<SetLegMedia>();
    }

    [Theory]
    [InlineData(LegKeying.GroupBothWays, 0x9999u, 488)]
    [InlineData(LegKeying.GroupBothWays, 0x1234u, 200)]
    [InlineData(LegKeying.GroupByMki, 0x9999u, 200)]
    public void An_update_with_another_SSRC_than_the_registered_one_is_refused(LegKeying keying, uint ssrc, int status)
    {
        using var phone = new ForeignPhone();
        phone.Join(key: ParticipantScene.Group(1), keying: keying);
        phone.Ssrc = ssrc;
        phone.Later("UPDATE", phone.WithUpdate(2, 1));
        Assert.Equal(status, phone.Focus.Response.StatusCode);
    }
}
