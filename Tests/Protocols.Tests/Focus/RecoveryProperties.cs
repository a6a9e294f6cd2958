using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Focus;
using ConfCluster.Protocols.KeyManagement;
using ConfCluster.Protocols.Mikey.Exchanges;
using ConfCluster.Protocols.Rtp;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Srtp;
using ConfCluster.Protocols.Tests.Mikey;
using CsCheck;
using Xunit;
using static ConfCluster.Protocols.Tests.Focus.ParticipantScene;

namespace ConfCluster.Protocols.Tests.Focus;

/// <summary>A participant that came back, and whatever happens to it then, in whatever order: mixers that have its leg and that have not, keys, offers, silence.</summary>
public sealed class RecoveryProperties
{
    private static readonly Gen<(int Move, int Detail)[]> Stories = Gen.Select(Gen.Int[0, 16], Gen.Int[0, 7]).Array[0, 40];

    private static readonly Lazy<TicketCall> Former = new(() =>
    {
        var call = new TicketCall();
        call.Focus.InCluster();
        call.Join();
        return call;
    });

    [Theory]
    [InlineData(false, 3000)]
    [InlineData(true, 1000)]
    public void Every_secret_is_held_or_zeroed_once_every_offer_is_answered_once_and_the_end_leaves_nothing(bool byTicket, int stories) => Stories.Sample(
        story =>
        {
            var (scene, record) = byTicket ? RecoveringByTicket() : RecoveryScene.Recovering();
            var group = new List<GroupKey>();
            var records = new List<LegRecord>();
            var (asked, granted) = (new List<SipRequest>(), new List<GrantedKeys>());
            var cseq = 2u;
            foreach (var (move, detail) in story)
            {
                switch (move)
                {
                    case 0 or 1: Move(scene, detail); break;
                    case 2 or 3: Find(scene, record, detail, records); break;
                    case 4 or 5 when scene.All.OfType<ParticipantEffect.OpenLeg>().LastOrDefault()?.Mixer is { } mixer:
                        scene.Do(new ParticipantInput.LegOpened(mixer, PortsOf(mixer), PortsOf(mixer).WithPort(PortsOf(mixer).Port + 1)));
                        break;
                    case 6: group.Add(scene.OfferKey((uint)(group.Count + 2), detail == 0 ? null : 0)); break;
                    case 7 or 8: Receive(scene, move == 7 ? "INVITE" : "UPDATE", cseq++, detail, asked); break;
                    case 9: Reply(scene, detail, cseq); break;
                    case 10: scene.Ack(cseq - 1, detail > 5 ? Offer((int)cseq) : ""); break;
                    case 11: scene.Fire(detail < 4 ? ParticipantTimer.RepeatAsk : detail < 6 ? ParticipantTimer.Retry : ParticipantTimer.Refresh); break;
                    case 13 or 14: Grant(scene, byTicket && detail > 1, detail, granted); break;
                    case 15 when scene.All.OfType<ParticipantEffect.OpenLeg>().LastOrDefault()?.Mixer is { } full:
                        scene.Do(new ParticipantInput.LegRefused(full, Rejection.NoMediaCapacity));
                        break;
                    case 16: Move(scene, detail, seating: scene.All.OfType<ParticipantEffect.AskPlace>().Count()); break;
                    case 12 when detail == 0: scene.Do(new ParticipantInput.EndRequested(Room, LeaveReason.Evicted)); break;
                }

                Holds(scene, group, records);
            }

            scene.Do(new ParticipantInput.EndRequested(Room, LeaveReason.ConferenceEnded));
            scene.Fire(ParticipantTimer.NoAck);
            scene.Fire(ParticipantTimer.ByeUnanswered);
            scene.Do(new ParticipantInput.LeaveAcknowledged(Room));
            scene.Fire(ParticipantTimer.Forget);
            Holds(scene, group, records);
            Assert.IsType<ParticipantState.Ended>(scene.State);
            Assert.Empty(scene.State.Secrets);
            var answers = scene.All.OfType<ParticipantEffect.Respond>().Where(r => r.Response.IsFinal).ToLookup(r => r.Response.Headers.CSeq);
            Assert.All(asked, request => Assert.Single(answers[request.Headers.CSeq].Select(a => a.Response.StatusCode).Distinct()));
            Assert.All(granted, g => Assert.Throws<ObjectDisposedException>(() => g.Mpki.Key.Reveal().Length));
            record.Dispose();
        },
        iter: stories);

    /// <summary>One call that was, and each time a next life of it.</summary>
    private static (ParticipantScene Scene, LegRecord Record) RecoveringByTicket()
    {
        var scene = Former.Value.Focus.NextLife();
        scene.Context = scene.Context with { Now = Former.Value.Kms.Now };
        return (scene, Former.Value.Focus.Only<ParticipantEffect.KeepLeg>().Record.Copy());
    }

    /// <summary>What is said of a leg that is keyed by MIKEY has no other keys in it.</summary>
    private static void HasNoCrypto(SipBody body) =>
        Assert.DoesNotContain("a=crypto", System.Text.Encoding.UTF8.GetString(body.Span), StringComparison.Ordinal);

    private static void Move(ParticipantScene scene, int detail, int seating = 0) => scene.Do(
        new ParticipantInput.MoveRequested(Room, Mixer with { Incarnation = 1 + detail / 3 }, new Incarnation(1 + detail / 6), detail % 2 == 0)
        {
            IsGentle = detail == 5,
            Seating = seating,
        });

    private static void Find(ParticipantScene scene, LegRecord record, int detail, List<LegRecord> records)
    {
        var found = detail % 2 == 0 ? record.Copy() : null;
        if (found is not null) records.Add(found);
        scene.Do(new ParticipantInput.LegFound(Mixer with { Incarnation = 1 + detail / 3 }, found, IsGone: found is null && detail > 3));
    }

    /// <summary>A ticket, or none, whether one was asked for or not.</summary>
    private static void Grant(ParticipantScene scene, bool isGranted, int detail, List<GrantedKeys> granted)
    {
        var suite = SrtpProfile.AesCm128HmacSha1Tag80;
        var wanted = MikeyTickets.ForCall(suite, KmsScene.Room, KmsScene.Alice);
        var keys = isGranted ? new KmsScene(MikeyKeys.SuiteFor(suite)).Granted(wanted, KmsScene.Room) : null;
        if (keys is not null) granted.Add(keys);
        scene.Do(new ParticipantInput.TicketGranted(keys, ExchangeError.NotAuthorised, IsUnreachable: detail == 0));
    }

    private static void Receive(ParticipantScene scene, string method, uint cseq, int detail, List<SipRequest> asked)
    {
        // Over: who has ended answers without a dialog.
        if (scene.State is ParticipantState.Ended or ParticipantState.Ending) return;
        var request = Later(method, cseq, detail == 0 ? "" : Offer((int)cseq, (byte)(10 + detail), mki: detail > 2 ? "|1:4" : ""));
        asked.Add(request);
        scene.Receive(request);
    }

    private static void Reply(ParticipantScene scene, int detail, uint cseq)
    {
        if (scene.All.OfType<ParticipantEffect.SendRequest>().LastOrDefault() is not { Request: { Method.Name: not "BYE" } request }) return;
        int[] statuses = [200, 200, 200, 100, 491, 488, 405, 500];
        scene.Reply(request, statuses[detail], request.Body.IsEmpty ? "" : Offer((int)cseq, 3, mki: "|1:4"), ("Retry-After", "1"));
    }

    private static MediaAddress PortsOf(MixerId mixer) => Ports.WithPort(40000 + 100 * ((int)mixer.Incarnation - 1));

    private static void Holds(ParticipantScene scene, List<GroupKey> group, List<LegRecord> records)
    {
        var held = scene.State.Secrets.ToHashSet<IDisposable>(ReferenceEqualityComparer.Instance);
        foreach (var key in held.OfType<MasterKey>()) _ = key.KeyAndSalt.Reveal();
        foreach (var bundle in held.OfType<CryptoBundle>()) _ = bundle.Keys.Encryption.Reveal();
        if (held.OfType<CryptoBundle>().Any())
        {
            foreach (var sent in scene.Effects.OfType<ParticipantEffect.SendRequest>()) HasNoCrypto(sent.Request.Body);
            foreach (var answer in scene.Effects.OfType<ParticipantEffect.Respond>()) HasNoCrypto(answer.Response.Body);
        }

        foreach (var key in group)
            Assert.Equal(held.Contains(key) ? 0 : 1, scene.All.OfType<ParticipantEffect.Destroy>().Count(d => ReferenceEquals(d.Secrets, key)));
        Assert.All(records, r => Assert.Single(scene.All.OfType<ParticipantEffect.Destroy>(), d => ReferenceEquals(d.Secrets, r)));
        foreach (var given in scene.Effects.OfType<ParticipantEffect.SetLegMedia>()) given.Media.Dispose();
        foreach (var given in scene.Effects.OfType<ParticipantEffect.KeepLeg>()) given.Record.Dispose();
    }
}
