using ConfCluster.Protocols.Focus;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Mikey;
using ConfCluster.Protocols.Mikey.Exchanges;
using ConfCluster.Protocols.Mikey.Payloads;
using ConfCluster.Protocols.Phone;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Wire;
using Xunit;
using static ConfCluster.Protocols.Focus.ParticipantEffect;

namespace ConfCluster.Protocols.Tests.Focus;

/// <summary>A leg under a pre-shared key whose participant died with its node: its next life goes on with the bundle (RFC 3830 §4.5) and needs no key of the file.</summary>
public sealed class PreSharedRecoveryTests
{
    private const uint Named = 1u << 30 | 1;

    [Theory]
    [Trait("RFC", "3830 §4.5")]
    [InlineData(false)]
    [InlineData(true)]
    public void The_next_life_tells_new_keys_in_updates_of_the_same_bundle(bool holds)
    {
        using var phone = Joined();
        for (uint life = 1; life < 4; life++)
        {
            Revive(phone, (byte)life);
            var key = phone.Focus.OfferKey(life, life == 1 ? null : life - 1);
            var update = Message(KeyScene.Sent(phone.Focus));
            Assert.Equal((MessageType.PreShared, (RandomValue?)null), (update.Header.Type, update.First<RandomValue>()));
            Confirm(phone);
            Assert.Equal(LegKeyAnswer.Took, phone.Focus.Only<ReportKey>().Answer);
            Assert.True(phone.Heard[^2].KeyAndSalt.FixedTimeEquals(key.For(phone.Heard[0].Profile)!.KeyAndSalt));
            Assert.Equal(Named, (uint)phone.Heard[^1].Mki.Value);
            if (holds) Hold(phone, life % 2 == 1);
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(30)]
    public void A_key_of_which_the_former_life_heard_no_answer_is_followed_by_a_newer_one(int clock)
    {
        using var phone = Joined();
        phone.Focus.OfferKey(1, null);
        phone.Deliver(KeyScene.Sent(phone.Focus));
        phone.Focus.Context = phone.Focus.Context with { Now = phone.Focus.Context.Now + TimeSpan.FromSeconds(clock) };
        Revive(phone);
        phone.Focus.OfferKey(2, null);
        Confirm(phone);
        Assert.Equal((LegKeyAnswer.Took, new KeyEpoch(2)), (phone.Focus.Only<ReportKey>().Answer, phone.Focus.Only<ReportKey>().Epoch));
        Assert.Equal([2u, Named], phone.Heard.Select(k => (uint)k.Mki.Value));
    }

    [Fact]
    [Trait("RFC", "3830 §3.1")]
    public void Without_mixer_and_focus_a_new_bundle_under_the_same_key_begins_in_the_call()
    {
        using var phone = Joined();
        var before = phone.Heard.Append(phone.Sends!).Select(k => k.KeyAndSalt.Reveal().ToArray()).ToList();
        for (byte life = 1; life < 3; life++)
        {
            var second = ParticipantScene.Mixer with { Incarnation = 1 + life };
            phone.Focus.Context = phone.Focus.Context with { Now = phone.Focus.Context.Now + TimeSpan.FromSeconds(20) };
            var former = phone.Focus;
            phone.Focus = former.NextLife(life);
            former.State.Destroy();
            phone.Focus.Move(second, mayOffer: true);
            phone.Focus.Do(new ParticipantInput.LegFound(second, null, IsGone: true));
            var asked = phone.Focus.Only<RequestTicket>();
            Assert.Equal((PreSharedPhone.Alice.ToString(), "sip:room@example.com"), (asked.Responder, asked.As));
            var grant = new PreSharedGrant(SecretBytes.Create(32, s => s.Fill(7)), Identity.Uri(asked.As!), PreSharedPhone.Alice);
            phone.Focus.Do(new ParticipantInput.TicketGranted(null, ExchangeError.None, IsUnreachable: false) { PreShared = grant });
            phone.Focus.Do(new ParticipantInput.LegOpened(second, ParticipantScene.Ports, ParticipantScene.Ports.WithPort(40001)));
            Assert.NotNull(Message(KeyScene.Sent(phone.Focus)).First<RandomValue>());
            Confirm(phone);
            using (var media = phone.Focus.Only<SetLegMedia>().Media)
            {
                Assert.True(media.Uplink[0].KeyAndSalt.FixedTimeEquals(phone.Sends!.KeyAndSalt));
                Assert.True(media.Downlink.KeyAndSalt.FixedTimeEquals(phone.Heard[^1].KeyAndSalt));
                Assert.DoesNotContain(before, k => k.AsSpan().SequenceEqual(media.Uplink[0].KeyAndSalt.Reveal()));
                before.Add(media.Uplink[0].KeyAndSalt.Reveal().ToArray());
            }

            foreach (var ack in phone.Focus.Effects.OfType<SendAck>()) phone.Deliver(ack.Request);
            phone.Focus.OfferKey(1u + life, null);
            Confirm(phone);
            Assert.Equal((LegKeyAnswer.Took, (PhoneEvent.Ended?)null), (phone.Focus.Only<ReportKey>().Answer, phone.End));
            Hold(phone, life == 1);
        }
    }

    private static PreSharedPhone Joined()
    {
        var phone = new PreSharedPhone();
        phone.Focus.InCluster();
        phone.Join();
        return phone;
    }

    private static void Hold(PreSharedPhone phone, bool on)
    {
        phone.Focus.Receive((SipRequest)PreSharedPhone.Sent(phone.Call.Hold(on))!);
        Assert.Equal(200, phone.Focus.Response.StatusCode);
        phone.Focus.Do(new ParticipantInput.AckArrived((SipRequest)phone.Deliver(phone.Focus.Response)!));
        Assert.Null(phone.End);
    }

    private static void Revive(PreSharedPhone phone, byte life = 1)
    {
        var (before, record) = (phone.Focus, phone.Focus.All.OfType<KeepLeg>().Last().Record);
        phone.Focus = before.NextLife(life);
        before.State.Destroy();
        phone.Focus.Move(ParticipantScene.Mixer);
        phone.Focus.Do(new ParticipantInput.LegFound(ParticipantScene.Mixer, record));
        Assert.IsType<ParticipantState.Confirmed>(phone.Focus.State);
    }

    private static void Confirm(PreSharedPhone phone) =>
        phone.Focus.Do(new ParticipantInput.ResponseArrived((SipResponse)phone.Deliver(KeyScene.Sent(phone.Focus))!));

    private static MikeyMessage Message(SipRequest request)
    {
        using var offer = TicketCall.Wire(request);
        Assert.True(MikeyReader.TryRead(offer.Media[0].KeyManagement[0].Message, out var message, out _));
        return message!;
    }
}
