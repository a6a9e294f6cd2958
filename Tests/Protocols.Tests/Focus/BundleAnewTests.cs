using ConfCluster.Protocols.Focus;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Keys.Rekeying;
using ConfCluster.Protocols.Mikey.Payloads;
using ConfCluster.Protocols.Phone;
using ConfCluster.Protocols.Tests.Mikey;
using Xunit;
using static ConfCluster.Protocols.Focus.ParticipantEffect;
using static ConfCluster.Protocols.Tests.Focus.BundleScene;

namespace ConfCluster.Protocols.Tests.Focus;

/// <summary>A leg with a ticket whose bundle nobody has any more: its next life begins another in the dialog, and the phone follows the group's keys in that.</summary>
public sealed class BundleAnewTests
{
    [Theory]
    [Trait("RFC", "6043 §4.2.2")]
    [InlineData(true, true)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    public void Where_media_is_forwarded_the_phone_goes_on_under_the_old_key_until_it_is_told_of_the_next(bool ticketFirst, bool takesUpdate)
    {
        using var call = Switched(takesUpdate);
        var (before, old) = (CsbOf(call), call.Sends!);
        var seen = KeysOf(call);
        Die(call);
        var key = call.Focus.OfferKey(2, 0);
        Find(call, isGone: false);
        Assert.Equal((KmsScene.Alice.ToString(), KmsScene.Room.ToString()), (call.Focus.Only<RequestTicket>().Responder, call.Focus.Only<RequestTicket>().As));
        Give(call, ticketFirst);
        var transfer = Message(Sent(call));
        Assert.NotEqual(before, transfer.CsbId);
        Assert.NotNull(transfer.First<Ticket>());
        Assert.Equal((1u, 0x1234u), (Spi(transfer, 2), SsrcOf(transfer, 2)));
        using (var offer = TicketCall.Wire(Sent(call))) Assert.Empty(offer.Media[0].Crypto);
        Confirm(call);
        Assert.Equal(1, call.Resolved);
        Assert.True(call.Focus.Only<SetForwarding>().Leg.Generation > 1000);
        call.Focus.None<SetLegMedia>();
        Assert.Equal(1u, (uint)call.Sends!.Mki.Value);
        Assert.True(call.Sends.KeyAndSalt.FixedTimeEquals(old.KeyAndSalt));
        Assert.Contains(call.Heard, k => k.Mki.Value == 1);
        var fresh = call.Heard.Single(k => k.Mki.Value >> 31 == 1);
        Assert.DoesNotContain(seen, k => k.AsSpan().SequenceEqual(fresh.KeyAndSalt.Reveal()));

        // The key that waited.
        Assert.Null(Message(Sent(call)).First<Ticket>());
        Assert.Equal(transfer.CsbId, Message(Sent(call)).CsbId);
        Confirm(call);
        Assert.Equal((LegKeyAnswer.Took, new KeyEpoch(2)), (call.Focus.Only<ReportKey>().Answer, call.Focus.Only<ReportKey>().Epoch));
        Assert.Equal((1u, true), ((uint)call.Sends.Mki.Value, call.Heard.Any(k => k.KeyAndSalt.FixedTimeEquals(key.For(k.Profile)!.KeyAndSalt))));
        Switch(call, 2);
        Assert.Equal(2u, (uint)call.Sends.Mki.Value);
        Assert.Contains(call.Heard, k => k.Mki.Value == 1);

        // From the next change on nobody needs it.
        call.Focus.OfferKey(3, 2);
        Confirm(call);
        Assert.Equal([2u, 3u, (uint)fresh.Mki.Value], call.Heard.Select(k => (uint)k.Mki.Value));
        Assert.Null(call.End);
    }

    [Fact]
    public void Without_a_key_to_tell_a_leg_that_plays_on_is_left_as_it_is()
    {
        using var call = Switched();
        Assert.Empty(call.Focus.All.OfType<KeepLeg>());
        Die(call);
        Find(call, isGone: false);
        call.Focus.None<RequestTicket>();
        Assert.IsType<ParticipantState.Restored>(call.Focus.State);
        call.Focus.OfferKey(2, 0);
        Find(call, isGone: false);
        call.Focus.Only<RequestTicket>();
    }

    [Theory]
    [Trait("RFC", "6043 §4.2.2")]
    [InlineData(LegKeying.GroupByMki)]
    [InlineData(LegKeying.GroupBothWays)]
    public void Without_mixer_and_focus_all_keys_are_new_and_the_call_goes_on(LegKeying keying)
    {
        using var call = Joined(keying);
        var seen = KeysOf(call);
        Die(call);
        Find(call, isGone: true, keying);
        Assert.Equal(Second, call.Focus.Only<OpenLeg>().Mixer);
        Give(call, ticketFirst: true);
        call.Focus.None<SendRequest>();
        call.Focus.Move(Second, mayOffer: true);
        Confirm(call);
        using (var media = call.Focus.Only<SetLegMedia>().Media)
        {
            Assert.Equal(call.Sends!.Mki, media.Uplink[0].Mki);
            Assert.DoesNotContain(seen, k => k.AsSpan().SequenceEqual(media.Uplink[0].KeyAndSalt.Reveal()));
            Assert.DoesNotContain(seen, k => k.AsSpan().SequenceEqual(media.Downlink.KeyAndSalt.Reveal()));
        }

        Assert.Equal(new ReportMoved(ParticipantScene.Room, Second), call.Focus.Only<ReportMoved>());
        Assert.Single(call.Heard);
        call.Focus.OfferKey(2, null);
        Confirm(call);
        Assert.Equal(LegKeyAnswer.Took, call.Focus.Only<ReportKey>().Answer);
        Assert.Equal(keying == LegKeying.GroupBothWays ? 2u : 1u << 30 | 2, (uint)call.Sends.Mki.Value);
    }

    [Fact]
    public void It_can_happen_again_and_again()
    {
        using var call = Switched();
        var (bundles, last, version) = (new HashSet<uint> { CsbOf(call) }, 0u, 0ul);
        for (byte life = 1; life < 4; life++)
        {
            call.Kms.Now += TimeSpan.FromSeconds(20);
            Die(call, life);
            call.Focus.OfferKey(life + 1u, 0);
            Find(call, isGone: false, epoch: life);
            Give(call, ticketFirst: true);
            Assert.True(Sent(call).Headers.CSeq.Number > last);
            using (var offer = TicketCall.Wire(Sent(call)))
            {
                Assert.True(offer.Origin.Version > version);
                version = offer.Origin.Version;
            }

            Assert.True(bundles.Add(Message(Sent(call)).CsbId));
            Confirm(call);
            Confirm(call);
            Switch(call, life + 1u);
            last = call.Focus.All.OfType<SendRequest>().Last().Request.Headers.CSeq.Number;
            Assert.Equal((life + 1u, (PhoneEvent.Ended?)null), ((uint)call.Sends!.Mki.Value, call.End));
        }
    }
}
