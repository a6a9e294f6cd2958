using ConfCluster.Protocols.Codecs;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Focus;
using ConfCluster.Protocols.KeyManagement;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Keys.Rekeying;
using ConfCluster.Protocols.Mikey;
using ConfCluster.Protocols.Mikey.Exchanges;
using ConfCluster.Protocols.Rtp;
using ConfCluster.Protocols.Sdp;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Srtp;
using ConfCluster.Protocols.Tests.Mikey;
using Xunit;
using static ConfCluster.Protocols.Focus.ParticipantEffect;

namespace ConfCluster.Protocols.Tests.Focus;

/// <summary>Calls keyed by tickets whose focus dies, and what is looked at in their messages.</summary>
internal static class BundleScene
{
    public static readonly MixerId Second = ParticipantScene.Mixer with { Incarnation = 2 };
    public static readonly SrtpProfile Suite = SrtpProfile.AesCm128HmacSha1Tag80;

    public static TicketCall Joined(LegKeying keying, bool takesUpdate = true)
    {
        var call = new TicketCall(takesUpdate: takesUpdate);
        call.Focus.InCluster();
        call.Join(keying);
        return call;
    }

    /// <summary>In a conference whose media is forwarded, and sending under the key of epoch 1.</summary>
    public static TicketCall Switched(bool takesUpdate = true)
    {
        var call = Joined(LegKeying.Switched, takesUpdate);
        Switch(call, 1);
        return call;
    }

    public static void Switch(TicketCall call, uint epoch)
    {
        call.Focus.Do(new ParticipantInput.KeyOffered(ParticipantScene.Room, ParticipantScene.Group(epoch), null) { Taken = new KeyEpoch(epoch), Switches = true });
        Confirm(call);
    }

    public static void Die(TicketCall call, byte life = 1)
    {
        var before = call.Focus;
        call.Focus = before.NextLife(life);
        call.Focus.Context = call.Focus.Context with { Now = call.Kms.Now };
        before.State.Destroy();
    }

    public static void Find(TicketCall call, bool isGone, LegKeying keying = LegKeying.Switched, uint epoch = 1)
    {
        var mixer = isGone ? Second : ParticipantScene.Mixer;
        var media = keying == LegKeying.Switched ? new MediaTerms(AudioCodec.Pcmu, 0, 1, Suite.Name, 4).ToString() : "";
        var uplink = keying == LegKeying.GroupByMki ? null : new GroupUplink(keying, new Ssrc(0x1234), media, new KeyEpoch(epoch));
        call.Focus.Do(new ParticipantInput.MoveRequested(ParticipantScene.Room, mixer, new Incarnation(1), MayOffer: false) { Uplink = uplink });
        call.Focus.Do(new ParticipantInput.LegFound(mixer, null, isGone));
    }

    /// <summary>The ticket and the ports.</summary>
    public static void Give(TicketCall call, bool ticketFirst, Identity? by = null)
    {
        var mixer = call.Focus.All.OfType<OpenLeg>().Last().Mixer;
        var granted = call.Kms.Granted(MikeyTickets.ForCall(Suite, by ?? KmsScene.Room, KmsScene.Alice), by ?? KmsScene.Room);
        if (ticketFirst) call.Focus.Do(new ParticipantInput.TicketGranted(granted, ExchangeError.None, IsUnreachable: false));
        call.Focus.Do(new ParticipantInput.LegOpened(mixer, ParticipantScene.Ports, ParticipantScene.Ports.WithPort(40001)));
        if (!ticketFirst) call.Focus.Do(new ParticipantInput.TicketGranted(granted, ExchangeError.None, IsUnreachable: false));
    }

    /// <summary>The phone answers what the focus sent.</summary>
    public static void Confirm(TicketCall call)
    {
        call.Focus.Do(new ParticipantInput.ResponseArrived((SipResponse)call.Deliver(Sent(call))!));
        foreach (var ack in call.Focus.Effects.OfType<SendAck>()) call.Deliver(ack.Request);
    }

    public static SipRequest Sent(TicketCall call) => KeyScene.Sent(call.Focus);

    public static byte[] Bye(SipRequest offer)
    {
        var headers = offer.Headers.With("CSeq", $"{offer.Headers.CSeq.Number + 2} BYE").With("Via", "SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bKbye");
        return ConfCluster.Protocols.Sip.Parsing.SipWriter.ToBytes(offer with { Method = SipMethod.Bye, Headers = headers, Body = SipBody.Empty });
    }

    public static List<byte[]> KeysOf(TicketCall call) => [.. call.Heard.Append(call.Sends!).Select(k => k.KeyAndSalt.Reveal().ToArray())];

    public static uint CsbOf(TicketCall call) => ((MikeyLeg)((ParticipantState.Confirmed)call.Focus.State).Participation.Leg.Mikey!).Bundle.CsbId;

    public static GenericSession Session(MikeyMessage message, byte csId) => ((CsIdMap.Generic)message.Header.Map).Sessions.Single(s => s.CsId == csId);

    public static uint Spi(MikeyMessage message, byte csId) => System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(Session(message, csId).Spi.Span);

    public static uint SsrcOf(MikeyMessage message, byte csId) => Session(message, csId).Position!.Value.Ssrc;

    public static MikeyMessage Message(SipRequest request)
    {
        using var offer = TicketCall.Wire(request);
        Assert.True(MikeyReader.TryRead(offer.Media[0].KeyManagement[0].Message, out var message, out _));
        return message!;
    }
}
