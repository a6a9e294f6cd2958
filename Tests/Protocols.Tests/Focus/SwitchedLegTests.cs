using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Focus;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Keys.Rekeying;
using ConfCluster.Protocols.Rtp;
using ConfCluster.Protocols.Sip.Messages;
using Xunit;
using static ConfCluster.Protocols.Focus.ParticipantEffect;

namespace ConfCluster.Protocols.Tests.Focus;

/// <summary>A leg whose packets are forwarded unopened: what its mixer is told has no key in it, and what it sends under comes in a second round.</summary>
public sealed class SwitchedLegTests
{
    [Fact]
    public void No_key_of_its_goes_to_the_mixer_at_any_time()
    {
        using var call = new TicketCall();
        call.Dial();
        call.Resolve();
        call.Focus.Accept(ParticipantScene.Group(1), LegKeying.Switched);
        Assert.Empty(call.Focus.Only<OpenLeg>().Uplink);
        call.Focus.Open();
        Assert.False(call.Focus.Only<SetForwarding>().Leg.IsConfirmed);
        call.Focus.None<SetLegMedia>();
        call.Focus.Do(new ParticipantInput.AckArrived((SipRequest)call.Deliver(call.Focus.Response)!));
        var leg = call.Focus.Only<SetForwarding>().Leg;
        Assert.True(leg is { IsConfirmed: true, PayloadType: 0 } && leg.Suite.Name == "AES_CM_128_HMAC_SHA1_80");
        call.Focus.None<SetLegMedia>();
        for (uint epoch = 2; epoch < 4; epoch++)
        {
            call.Update(epoch);
            call.Focus.None<SetLegMedia>();
        }
    }

    [Fact]
    [Trait("RFC", "6043 §5.2")]
    public void It_sends_under_a_key_only_when_a_second_update_tells_it_to()
    {
        using var call = new TicketCall();
        call.Join(LegKeying.Switched);
        Assert.Equal(1u << 30 | 1, call.Sends!.Mki.Value);
        Switch(call, 1, null);
        Assert.Equal(1u, call.Sends.Mki.Value);
        call.Update(2);
        Assert.Equal((1u, true), ((uint)call.Sends.Mki.Value, call.Heard.Any(k => k.Mki.Value == 2)));
        Switch(call, 2, 1);
        Assert.Equal(2u, call.Sends.Mki.Value);
        // What others may still be sending under stays.
        Assert.Contains(call.Heard, k => k.Mki.Value == 1);
        Assert.Equal(LegKeyAnswer.Took, call.Focus.Only<ReportKey>().Answer);
    }

    [Fact]
    [Trait("RFC", "6043 §6.1.1")]
    public void It_is_told_how_far_streams_are_that_run_already_with_the_update_that_lets_it_send()
    {
        using var call = new TicketCall();
        call.Join(LegKeying.Switched);
        UplinkIndex[] running = [new(new Ssrc(0x77), 3ul << 16 | 5), new(new Ssrc(0x78), 1ul << 40)];
        Switch(call, 1, null, running);
        Assert.Equal(1u, call.Sends!.Mki.Value);
        Assert.Equal(running, call.Running.ToArray());
        Assert.Equal(LegKeyAnswer.Took, call.Focus.Only<ReportKey>().Answer);
        call.Update(2);
        Assert.Empty(call.Running);
        Switch(call, 2, 1);
        Assert.Equal(2u, call.Sends.Mki.Value);
        // More than a message has room for are left out; a phone finds the others by trying.
        Switch(call, 2, 1, [.. Enumerable.Range(1, 40).Select(n => new UplinkIndex(new Ssrc((uint)n), (ulong)n << 16))]);
        Assert.Equal(32, call.Running.Length);
    }

    [Theory]
    [InlineData(Rejection.TicketNeeded, "399")]
    [InlineData(Rejection.MediaDiffers, "305")]
    [InlineData(Rejection.SsrcTaken, "399")]
    public void Who_is_not_let_in_is_told_why(Rejection reason, string code)
    {
        using var call = new TicketCall();
        call.Dial();
        call.Resolve();
        call.Focus.Do(new ParticipantInput.JoinRefused(ParticipantScene.Room, reason));
        Assert.Equal(488, call.Focus.Response.StatusCode);
        Assert.StartsWith($"{code} confcluster \"", call.Focus.Response.Headers.First("Warning"), StringComparison.Ordinal);
    }

    private static void Switch(TicketCall call, uint epoch, uint? inUse, params UplinkIndex[] running)
    {
        call.Focus.Do(new ParticipantInput.KeyOffered(ParticipantScene.Room, ParticipantScene.Group(epoch), inUse is { } used ? new KeyEpoch(used) : null)
        {
            Taken = new KeyEpoch(epoch),
            Switches = true,
            Streams = [.. running],
        });
        call.Focus.Do(new ParticipantInput.ResponseArrived((SipResponse)call.Deliver(KeyScene.Sent(call.Focus))!));
    }
}
