using ConfCluster.Protocols.Focus;
using ConfCluster.Protocols.Mikey;
using ConfCluster.Protocols.Mikey.Exchanges;
using ConfCluster.Protocols.Mikey.Payloads;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Tests.Focus;
using ConfCluster.Protocols.Wire;
using Xunit;

namespace ConfCluster.Protocols.Tests.Mikey;

/// <summary>Somebody who has the key and a recording looks at the MACs of all messages.</summary>
public sealed class MikeyCheckTests
{
    [Theory]
    [InlineData(TicketFlags.None)]
    [InlineData(TicketFlags.ResponderRand)]
    [Trait("RFC", "6043 §5.5")]
    public void Every_message_of_a_bundle_is_checked_with_those_before_it(TicketFlags more)
    {
        using var scene = new TransferScene(MikeySuite.Aes256, more: more);
        using var granted = scene.Granted();
        var step = TicketTransfer.Begin(granted, KmsScene.Alice, KmsScene.Bob, scene.Offered(), scene.Context);
        var init = TransferScene.Sent(step);
        using var verified = scene.Verified(init);
        using var tek = scene.Tek(1);
        var (bundle, response) = verified.Answer(KmsScene.Bob, TransferScene.Answered(1, tek), scene.Context);
        var alice = new UpdateState(((TransferState.Done)TicketTransfer.Next(step.State, response, scene.Context).State).Bundle);
        using var next = scene.Tek(2);
        var begun = CsbUpdate.Begin(new UpdateState(bundle), scene.Updating(2, next), scene.Context);
        var update = TransferScene.Sent(begun);
        var taken = CsbUpdate.Next(alice, update, scene.Context);
        var confirmed = TransferScene.Sent(CsbUpdate.Answer(taken.State, (UpdateEffect.Updated)taken.Effects[0], TransferScene.Answered(2), scene.Context));

        Octets[] all = [init, response, update, confirmed];
        for (var i = 0; i < all.Length; i++)
        {
            Assert.True(MikeyCheck.Of(Read(all[i]), granted.Mpki.Key, all.AsSpan(0, i)), $"message {i}");
            Assert.False(MikeyCheck.Of(Read(all[i]), tek.Key, all.AsSpan(0, i)), $"message {i}");
            foreach (var bent in TransferScene.Bent(all[i]).Where((_, bit) => bit % 101 == 0))
                if (MikeyReader.TryRead(bent.Span, out var read, out _))
                    Assert.NotEqual(true, MikeyCheck.Of(read!, granted.Mpki.Key, all.AsSpan(0, i)));
            if (i > 0) Assert.Null(MikeyCheck.Of(Read(all[i]), granted.Mpki.Key));
        }

        bundle.Bundle.Dispose();
        alice.Bundle.Bundle.Dispose();
    }

    [Fact]
    [Trait("RFC", "3830 §5.2")]
    public void A_bundle_under_a_pre_shared_key_is_checked_with_its_first_message()
    {
        using var phone = new PreSharedPhone();
        using var psk = SecretBytes.Create(32, s => s.Fill(7));
        phone.Join();
        phone.Focus.OfferKey(1, null);
        var update = KeyScene.Sent(phone.Focus);
        Octets[] all = [.. new SipMessage[] { phone.Invite, phone.Focus.All.OfType<ParticipantEffect.Respond>().Last().Response, update, phone.Deliver(update)! }.Select(Message)];
        for (var i = 0; i < all.Length; i++)
        {
            Assert.True(MikeyCheck.Of(Read(all[i]), psk, all.AsSpan(0, i)), $"message {i}");
            if (i > 0) Assert.Null(MikeyCheck.Of(Read(all[i]), psk));
        }
    }

    private static Octets Message(SipMessage message)
    {
        using var session = TicketCall.Wire(message);
        return Octets.CopyOf(session.Media[0].KeyManagement[0].Message);
    }

    [Fact]
    public void Answers_of_the_KMS_are_checked_with_what_was_asked()
    {
        var scene = new KmsScene(MikeySuite.Aes128);
        var step = KmsClient.Request(scene.Policy(), scene.Of(KmsScene.Alice), scene.Context);
        var (asked, answer) = (KmsScene.Sent(step), scene.Answer(KmsScene.Sent(step)).Response!.Value);
        var psk = scene.Of(KmsScene.Alice).Psk!;
        Assert.True(MikeyCheck.Of(Read(asked), psk));
        Assert.True(MikeyCheck.Of(Read(answer), psk, asked));
        Assert.False(MikeyCheck.Of(Read(answer), scene.Of(KmsScene.Bob).Psk!, asked));
        Assert.Null(MikeyCheck.Of(Read(answer), psk));
        using var granted = KmsScene.Keys(KmsClient.Next(step.State, answer, scene.Context));
        var resolve = KmsClient.Resolve(granted.Ticket, scene.Of(KmsScene.Bob), scene.Context);
        var resolved = scene.Answer(KmsScene.Sent(resolve)).Response!.Value;
        Assert.True(MikeyCheck.Of(Read(resolved), scene.Of(KmsScene.Bob).Psk!, KmsScene.Sent(resolve)));
    }

    private static MikeyMessage Read(Octets octets) =>
        MikeyReader.TryRead(octets.Span, out var message, out var error) ? message! : throw new InvalidDataException($"{error}");
}
