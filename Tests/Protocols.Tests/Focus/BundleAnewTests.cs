using ConfCluster.Protocols.Codecs;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Focus;
using ConfCluster.Protocols.KeyManagement;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Keys.Rekeying;
using ConfCluster.Protocols.Mikey;
using ConfCluster.Protocols.Mikey.Exchanges;
using ConfCluster.Protocols.Mikey.Payloads;
using ConfCluster.Protocols.Phone;
using ConfCluster.Protocols.Rtp;
using ConfCluster.Protocols.Sdp;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Srtp;
using ConfCluster.Protocols.Tests.Mikey;
using Xunit;
using static ConfCluster.Protocols.Focus.ParticipantEffect;

namespace ConfCluster.Protocols.Tests.Focus;

/// <summary>A leg with a ticket whose bundle nobody has any more: its next life begins another in the dialog, and the phone follows the group's keys in that.</summary>
public sealed class BundleAnewTests
{
    private static readonly MixerId Second = ParticipantScene.Mixer with { Incarnation = 2 };
    private static readonly SrtpProfile Suite = SrtpProfile.AesCm128HmacSha1Tag80;

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

    [Theory]
    [InlineData(false, false, "refused")]
    [InlineData(false, true, "asked again")]
    [InlineData(true, false, "over")]
    [InlineData(true, true, "asked again")]
    public void A_KMS_that_gives_no_ticket_ends_no_call_that_has_media(bool isGone, bool isUnreachable, string what)
    {
        using var call = Switched();
        Die(call);
        var key = call.Focus.OfferKey(2, 0);
        Find(call, isGone);
        call.Focus.Do(new ParticipantInput.TicketGranted(null, ExchangeError.NotAuthorised, isUnreachable));
        if (what == "refused")
        {
            Assert.Equal((LegKeyAnswer.Refused, new KeyEpoch(2)), (call.Focus.Only<ReportKey>().Answer, call.Focus.Only<ReportKey>().Epoch));
            Assert.Same(key, call.Focus.Only<Destroy>().Secrets);
            Assert.IsType<ParticipantState.Restored>(call.Focus.State);
        }
        else if (what == "over") Assert.Equal((LeaveReason.NodeLost, "BYE"), (call.Focus.Only<Leave>().Reason, Sent(call).Method.Name));
        else
        {
            call.Focus.Fire(ParticipantTimer.RepeatAsk);
            call.Focus.Only<RequestTicket>();
            Give(call, ticketFirst: false);
            Confirm(call);
            Assert.NotEmpty(call.Focus.Effects.OfType<SetForwarding>());
        }
    }

    [Fact]
    [Trait("RFC", "4567 §4.1.2")]
    public void A_phone_that_refuses_the_new_bundle_is_hung_up()
    {
        using var call = Switched();
        Die(call);
        call.Focus.OfferKey(2, 0);
        Find(call, isGone: false);
        Give(call, ticketFirst: true);
        call.Focus.Reply(Sent(call), 488);
        Assert.Equal((LeaveReason.MediaFailed, "BYE"), (call.Focus.Only<Leave>().Reason, Sent(call).Method.Name));
    }

    [Fact]
    [Trait("RFC", "6043 §12.3")]
    public void A_ticket_of_somebody_else_takes_no_bundles_place()
    {
        using var call = Switched();
        var old = call.Sends!;
        Die(call);
        call.Focus.OfferKey(2, 0);
        Find(call, isGone: false);
        Give(call, ticketFirst: true, KmsScene.Eve);
        var refusal = (SipResponse)call.Deliver(Sent(call))!;
        Assert.Equal((488, 0), (refusal.StatusCode, call.Resolved));
        Assert.Contains("WrongParty", refusal.Headers.First("Warning"), StringComparison.Ordinal);
        Assert.Same(old, call.Sends);
        Assert.Null(call.End);
    }

    [Fact]
    [Trait("RFC", "3261 §14.2")]
    public void While_the_phone_asks_the_KMS_other_offers_wait_and_either_side_may_end_the_call()
    {
        foreach (var byUs in new[] { true, false })
        {
            using var call = Switched();
            Die(call);
            call.Focus.OfferKey(2, 0);
            Find(call, isGone: false);
            Give(call, ticketFirst: true);
            call.HasKms = false;
            var offer = Sent(call);
            Assert.Null(call.Deliver(offer) as SipResponse is { IsFinal: true } ? "answered" : null);
            Assert.Empty(call.Phone.Hold(true));
            var second = offer with { Headers = offer.Headers.With("CSeq", $"{offer.Headers.CSeq.Number + 1} {offer.Method.Name}") };
            Assert.Equal(500, ((SipResponse)call.Deliver(second)!).StatusCode);
            var from = new SipFlow(SipTransport.Udp, ParticipantScene.Flow.Remote, ParticipantScene.Flow.Local);
            var ended = byUs ? call.Phone.HangUp() : call.Phone.Receive(Bye(offer), from);
            Assert.Contains(ended.OfType<PhoneEffect.Send>(), s => s.Message is SipResponse { StatusCode: 487 });

            // Too late.
            Assert.Empty(call.Phone.Resolved(null, "nobody is there"));
        }
    }

    [Fact]
    public void A_phone_without_a_KMS_refuses_and_stays()
    {
        using var call = Switched();
        Die(call);
        call.Focus.OfferKey(2, 0);
        Find(call, isGone: false);
        Give(call, ticketFirst: true);
        call.HasKms = false;
        call.Deliver(Sent(call));
        var sent = call.Take(call.Phone.Resolved(null, "nobody is there"));
        Assert.Equal(488, Assert.IsType<SipResponse>(sent).StatusCode);
        Assert.Equal(1u, (uint)call.Sends!.Mki.Value);
        Assert.IsType<CallState.Talking>(call.Phone.State);
    }

    private static TicketCall Joined(LegKeying keying, bool takesUpdate = true)
    {
        var call = new TicketCall(takesUpdate: takesUpdate);
        call.Focus.InCluster();
        call.Join(keying);
        return call;
    }

    /// <summary>In a conference whose media is forwarded, and sending under the key of epoch 1.</summary>
    private static TicketCall Switched(bool takesUpdate = true)
    {
        var call = Joined(LegKeying.Switched, takesUpdate);
        Switch(call, 1);
        return call;
    }

    private static void Switch(TicketCall call, uint epoch)
    {
        call.Focus.Do(new ParticipantInput.KeyOffered(ParticipantScene.Room, ParticipantScene.Group(epoch), null) { Taken = new KeyEpoch(epoch), Switches = true });
        Confirm(call);
    }

    private static void Die(TicketCall call, byte life = 1)
    {
        var before = call.Focus;
        call.Focus = before.NextLife(life);
        call.Focus.Context = call.Focus.Context with { Now = call.Kms.Now };
        before.State.Destroy();
    }

    private static void Find(TicketCall call, bool isGone, LegKeying keying = LegKeying.Switched, uint epoch = 1)
    {
        var mixer = isGone ? Second : ParticipantScene.Mixer;
        var media = keying == LegKeying.Switched ? new MediaTerms(AudioCodec.Pcmu, 0, 1, Suite.Name, 4).ToString() : "";
        var uplink = keying == LegKeying.GroupByMki ? null : new GroupUplink(keying, new Ssrc(0x1234), media, new KeyEpoch(epoch));
        call.Focus.Do(new ParticipantInput.MoveRequested(ParticipantScene.Room, mixer, new Incarnation(1), MayOffer: false) { Uplink = uplink });
        call.Focus.Do(new ParticipantInput.LegFound(mixer, null, isGone));
    }

    /// <summary>The ticket and the ports.</summary>
    private static void Give(TicketCall call, bool ticketFirst, Identity? by = null)
    {
        var mixer = call.Focus.All.OfType<OpenLeg>().Last().Mixer;
        var granted = call.Kms.Granted(MikeyTickets.ForCall(Suite, by ?? KmsScene.Room, KmsScene.Alice), by ?? KmsScene.Room);
        if (ticketFirst) call.Focus.Do(new ParticipantInput.TicketGranted(granted, ExchangeError.None, IsUnreachable: false));
        call.Focus.Do(new ParticipantInput.LegOpened(mixer, ParticipantScene.Ports, ParticipantScene.Ports.WithPort(40001)));
        if (!ticketFirst) call.Focus.Do(new ParticipantInput.TicketGranted(granted, ExchangeError.None, IsUnreachable: false));
    }

    /// <summary>The phone answers what the focus sent.</summary>
    private static void Confirm(TicketCall call)
    {
        call.Focus.Do(new ParticipantInput.ResponseArrived((SipResponse)call.Deliver(Sent(call))!));
        foreach (var ack in call.Focus.Effects.OfType<SendAck>()) call.Deliver(ack.Request);
    }

    private static SipRequest Sent(TicketCall call) => KeyScene.Sent(call.Focus);

    private static byte[] Bye(SipRequest offer)
    {
        var headers = offer.Headers.With("CSeq", $"{offer.Headers.CSeq.Number + 2} BYE").With("Via", "SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bKbye");
        return ConfCluster.Protocols.Sip.Parsing.SipWriter.ToBytes(offer with { Method = SipMethod.Bye, Headers = headers, Body = SipBody.Empty });
    }

    private static List<byte[]> KeysOf(TicketCall call) => [.. call.Heard.Append(call.Sends!).Select(k => k.KeyAndSalt.Reveal().ToArray())];

    private static uint CsbOf(TicketCall call) => ((MikeyLeg)((ParticipantState.Confirmed)call.Focus.State).Participation.Leg.Mikey!).Bundle.CsbId;

    private static GenericSession Session(MikeyMessage message, byte csId) => ((CsIdMap.Generic)message.Header.Map).Sessions.Single(s => s.CsId == csId);

    private static uint Spi(MikeyMessage message, byte csId) => System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(Session(message, csId).Spi.Span);

    private static uint SsrcOf(MikeyMessage message, byte csId) => Session(message, csId).Position!.Value.Ssrc;

    private static MikeyMessage Message(SipRequest request)
    {
        using var offer = TicketCall.Wire(request);
        Assert.True(MikeyReader.TryRead(offer.Media[0].KeyManagement[0].Message, out var message, out _));
        return message!;
    }
}
