using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Focus;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Rtp;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Sessions;
using ConfCluster.Protocols.Srtp;
using CsCheck;
using Xunit;
using static ConfCluster.Protocols.Tests.Focus.ParticipantScene;

namespace ConfCluster.Protocols.Tests.Focus;

/// <summary>Whatever comes in whatever order: what must hold at every step and at the end.</summary>
public sealed class ParticipantProperties
{
    private static readonly ParticipantTimer[] Timers = Enum.GetValues<ParticipantTimer>();

    private static readonly SessionTimerPolicy Timer = new(TimeSpan.FromMinutes(30), SessionExpires.DefaultMinimum);

    /// <summary>A move (which input) and a seed for its details.</summary>
    private static readonly Gen<(int Move, int Detail)[]> Stories = Gen.Select(Gen.Int[0, 30], Gen.Int[0, 7]).Array[0, 40];

    /// <summary>Most stories begin as calls do, so that the later states are reached.</summary>
    private static readonly Gen<((int Move, int Detail)[] Story, int Start)> Lives = Gen.Select(Stories, Gen.Int[0, 12]);

    [Fact]
    public void Every_INVITE_has_at_most_one_final_response_and_a_life_that_ends_leaves_nothing() => Lives.Sample(
        life =>
        {
            var scene = Begin(life.Start);
            var media = new List<MasterKey>();
            var group = new List<GroupKey>();
            var cseq = 2u;
            foreach (var (move, detail) in life.Story)
            {
                if (move is 20 or 21) group.Add(scene.OfferKey((uint)(group.Count + 2), detail == 0 ? null : (uint)Math.Max(0, group.Count - detail / 3)));
                else if (move == 22) Accept(scene, group);
                else Move(scene, move, detail, ref cseq);
                Places(scene);
                Answers(scene);
                Collect(scene, media);
                Holds(scene, group);
            }

            Finish(scene);
            Holds(scene);
            Holds(scene, group);
            foreach (var key in media) key.Dispose();
        },
        iter: 3000);

    private static ParticipantScene Begin(int start) => start switch
    {
        0 => new ParticipantScene(Timer),
        1 => Joining(),
        4 => Confirmed(Timer, "Allow: UPDATE\r\n"),
        5 => Confirmed(Timer, "Supported: timer\r\n"),
        2 => Answered(),
        6 or 7 => Grouped(timer: Timer),
        8 => Grouped("", mki: ""),
        9 => Opening(Clustered()),
        10 => Opening(Clustered(), "Require: 100rel\r\n"),
        11 => Clustered(),
        12 => Awaited(),
        _ => Confirmed(),
    };

    /// <summary>On one node of several, with a journal that takes its time.</summary>
    private static ParticipantScene Clustered() => new ParticipantScene(Timer) { StoresAtOnce = false }.InCluster();

    /// <summary>Its conference knows it, and it knows nothing.</summary>
    private static ParticipantScene Awaited()
    {
        var scene = Clustered();
        scene.Accept();
        Assert.IsType<ParticipantState.Awaited>(scene.State);
        return scene;
    }

    private static ParticipantScene Opening(ParticipantScene scene, string extra = "")
    {
        scene.Receive(Request("INVITE", sdp: Offer(), extra: extra));
        scene.Accept();
        scene.Open();
        return scene;
    }

    /// <summary>In a cluster nobody who offered something is told that it is in before the journal was told, and T1 was over or the journal had it.</summary>
    private static void Answers(ParticipantScene scene)
    {
        if (scene.State is not ParticipantState.Answered { Pending: { OurOffer: false } pending, Participation: var p } || !scene.Context.Settings.CallsOutliveNode) return;
        Assert.True(p.Stored);
        Assert.Single(scene.All.OfType<ParticipantEffect.Store>());
        var isAnswered = scene.All.OfType<ParticipantEffect.Respond>().Any(r => r.Key == pending.Key && r.Response.StatusCode == 200);
        Assert.Equal(isAnswered, !pending.IsHeld);
    }

    private static void Accept(ParticipantScene scene, List<GroupKey> group)
    {
        group.Add(Group((uint)(group.Count + 2)));
        scene.Accept(group[^1]);
    }

    /// <summary>A group key is held, or was let go once.</summary>
    private static void Holds(ParticipantScene scene, List<GroupKey> group)
    {
        var held = scene.State.Secrets.OfType<GroupKey>().ToHashSet<GroupKey>(ReferenceEqualityComparer.Instance);
        foreach (var key in group)
        {
            var destroyed = scene.All.OfType<ParticipantEffect.Destroy>().Count(d => ReferenceEquals(d.Secrets, key));
            Assert.Equal(held.Contains(key) ? 0 : 1, destroyed);
        }

        // One key that waits, one that is offered, four in the SDP, since what these stories say to be in use is up to three epochs old.
        Assert.True(held.Count <= 6, $"{held.Count} group keys are held: {string.Join(", ", held.Select(k => k.Epoch))}");
        Assert.True(Readies(scene) <= 4, $"ready {Readies(scene)} times");
    }

    private static int Readies(ParticipantScene scene) => scene.All.OfType<ParticipantEffect.ReportKey>().Count(r => r.Answer == LegKeyAnswer.Ready);

    private static int Starts(ParticipantScene scene, ParticipantTimer timer) => scene.All.OfType<ParticipantEffect.Start>().Count(s => s.Timer == timer);

    private static void Move(ParticipantScene scene, int move, int detail, ref uint cseq)
    {
        switch (move)
        {
            case 0: scene.Receive(Request("INVITE", $"z9hG4bK{detail}", sdp: detail % 3 == 0 ? "" : Offer(), extra: detail > 4 ? Reliable : "")); break;
            case 1: scene.Receive(Request("CANCEL", $"z9hG4bK{detail}")); break;
            case 2: scene.Accept(); break;
            case 3: scene.Open(); break;
            case 4: scene.Ack(cseq - 1, detail % 2 == 0 ? Offer((int)cseq, tag: $"{1 + detail / 4}", suite: Suite(detail / 4)) : ""); break;
            case 5: scene.Ack(1, detail % 2 == 0 ? Offer() : ""); break;
            case 6: scene.Receive(Later("INVITE", cseq++, Changed(cseq, detail))); break;
            case 7: scene.Receive(Later("UPDATE", cseq++, Changed(cseq, detail))); break;
            case 8 when detail < 2: scene.Receive(Later("BYE", cseq++)); break;
            case 9: scene.Receive(Later("OPTIONS", detail == 0 ? 1 : cseq++)); break;
            case 10 when detail < 2: scene.Do(new ParticipantInput.EndRequested(Room, LeaveReason.Evicted)); break;
            case 11: scene.Do(new ParticipantInput.LeaveAcknowledged(Room)); break;
            case 12: scene.Fire(Timers[detail % Timers.Length]); break;
            case 13 when detail == 0: scene.Do(new ParticipantInput.LegRefused(Mixer, Rejection.NoMediaCapacity)); break;
            case 14 when detail == 0: scene.Do(new ParticipantInput.JoinRefused(Room, Rejection.ConferenceFull)); break;
            case 15 when detail == 0: scene.Do(new ParticipantInput.JoinAccepted(Room, Mixer with { Incarnation = 2 }, new Ssrc(8))); break;
            case 17: scene.Fire(ParticipantTimer.Refresh); break;
            case 18 or 23: Reply(scene, detail, cseq); break;
            case 19: scene.Receive(Later("PRACK", cseq++, detail > 5 ? Offer() : "", extra: $"RAck: {Sequence(scene)} 1 INVITE\r\n")); break;
            case 24:
                scene.Do(new ParticipantInput.MoveRequested(Room, Mixer with { Incarnation = 1 + detail % 4 }, new Incarnation(1 + detail / 6), detail % 2 == 0)
                {
                    Seating = SeatingOf(scene),
                });
                break;
            case 27 when Asked(scene) is { } mixer: scene.Do(new ParticipantInput.LegRefused(mixer, Rejection.NoMediaCapacity)); break;
            // The conference names another mixer, an older one too, or there is none.
            case 28 when detail == 0: scene.Do(new ParticipantInput.JoinRefused(Room, Rejection.NoMediaCapacity)); break;
            case 28:
                scene.Do(new ParticipantInput.MoveRequested(Room, Mixer with { Incarnation = 1 + detail % 4 }, new Incarnation(1 + detail / 6), detail % 2 == 0)
                {
                    Seating = SeatingOf(scene) + 1,
                });
                break;
            case 25 when detail < 6 && Asked(scene) is { } mixer: scene.Do(new ParticipantInput.LegOpened(mixer, PortsOf(mixer), PortsOf(mixer).WithPort(PortsOf(mixer).Port + 1))); break;
            case 25 or 26 when detail == 7 && Asked(scene) is { } mixer: scene.Do(new ParticipantInput.LegRefused(mixer, Rejection.NoMediaCapacity)); break;
            case 26: scene.Fire(ParticipantTimer.Retry); break;
            case 30 when Starts(scene, ParticipantTimer.RepeatReady) == Readies(scene): scene.Fire(ParticipantTimer.RepeatReady); break;
            case 29 when scene.All.OfType<ParticipantEffect.Store>().LastOrDefault() is { } store: scene.Do(new ParticipantInput.FactStored(store.Fact)); break;
            case 16: scene.Do(new ParticipantInput.ResponseArrived(Later("BYE", 1).CreateResponse(200, "OK"))); break;
        }
    }

    /// <summary>The mixer that was asked for ports last.</summary>
    private static MixerId? Asked(ParticipantScene scene) => scene.All.OfType<ParticipantEffect.OpenLeg>().LastOrDefault()?.Mixer;

    private static MediaAddress PortsOf(MixerId mixer) => Ports.WithPort(40000 + 100 * ((int)mixer.Incarnation - 1));

    private static int SeatingOf(ParticipantScene scene) =>
        scene.State is ParticipantState.Opening opening ? opening.Search.Seating : Of(scene.State)?.Search.Seating ?? 0;

    /// <summary>Keys go to the newest mixer only, and whoever may tell its peer where it is and can has told it.</summary>
    private static void Places(ParticipantScene scene)
    {
        var newest = Asked(scene);
        var opens = scene.Effects.OfType<ParticipantEffect.OpenLeg>().Any();
        Assert.All(scene.Effects.OfType<ParticipantEffect.SetLegMedia>(), set => Assert.True(
            set.Mixer == newest || opens || Of(scene.State) is { Relocation.IsOpen: false } p && set.Mixer == p.Leg.Place.Mixer, $"{set.Mixer}, {newest}"));
        Assert.False(scene.State is ParticipantState.Confirmed { Participation.Relocation: { IsOpen: true, MayOffer: true } });
        if (Of(scene.State) is { } there) Assert.Equal(PortsOf(there.Leg.Place.Mixer).Port, there.Leg.Place.Rtp.Port);
    }

    private static Participation? Of(ParticipantState state) => state switch
    {
        ParticipantState.Confirmed s => s.Participation,
        ParticipantState.Asking s => s.Participation,
        ParticipantState.Unacknowledged s => s.Participation,
        ParticipantState.Early s => s.Participation,
        _ => null,
    };

    private const string Reliable = "Require: 100rel\r\n";

    /// <summary>To the newest request of ours that is no BYE.</summary>
    private static void Reply(ParticipantScene scene, int detail, uint cseq)
    {
        if (scene.All.OfType<ParticipantEffect.SendRequest>().LastOrDefault() is not { Request: { Method.Name: not "BYE" } request }) return;
        int[] statuses = [200, 200, 100, 491, 422, 481, 405, 500];
        scene.Reply(request, statuses[detail], request.Body.IsEmpty ? "" : Offer((int)cseq, 3), ("Min-SE", "3600"), ("Retry-After", "1"));
    }

    private static uint Sequence(ParticipantScene scene) => (scene.State as ParticipantState.Early)?.Pending.Sequence ?? 1;

    private static string Changed(uint version, int detail) =>
        detail == 0 ? "" : Offer((int)version, (byte)detail, suite: Suite(detail % 3), mki: detail > 4 ? "|1:4" : "");

    private static string Suite(int which) => which switch { 0 => "AES_CM_128_HMAC_SHA1_80", 1 => "AES_CM_128_HMAC_SHA1_32", _ => "" };

    private static void Collect(ParticipantScene scene, List<MasterKey> media)
    {
        foreach (var set in scene.Effects.OfType<ParticipantEffect.SetLegMedia>())
            media.AddRange([.. set.Media.Uplink, set.Media.Downlink]);

        // What is held is alive, and what was let go is zeroed.
        foreach (var key in scene.State.Secrets.OfType<MasterKey>()) _ = key.KeyAndSalt.Reveal();
        foreach (var key in scene.Effects.OfType<ParticipantEffect.Destroy>().Select(d => d.Secrets).OfType<MasterKey>())
            Assert.Throws<ObjectDisposedException>(() => key.KeyAndSalt.Reveal().Length);
        foreach (var key in media) _ = key.KeyAndSalt.Reveal();
    }

    /// <summary>The conference ends it, timers fire, and nobody is owed anything.</summary>
    private static void Finish(ParticipantScene scene)
    {
        scene.Do(new ParticipantInput.EndRequested(Room, LeaveReason.ConferenceEnded));
        scene.Fire(ParticipantTimer.NoAck);
        scene.Fire(ParticipantTimer.ByeUnanswered);
        scene.Do(new ParticipantInput.LeaveAcknowledged(Room));
        scene.Fire(ParticipantTimer.Forget);
    }

    private static void Holds(ParticipantScene scene)
    {
        var all = scene.All;
        Assert.IsType<ParticipantState.Ended>(scene.State);
        Assert.Empty(scene.State.Secrets);
        Assert.Single(all.OfType<ParticipantEffect.Stop>());
        Assert.All(
            all.SkipWhile(e => e is not ParticipantEffect.Stop).Skip(1),
            e => Assert.True(
                e is ParticipantEffect.Respond or ParticipantEffect.Count or ParticipantEffect.Leave or ParticipantEffect.Destroy,
                $"{e} after the end"));

        var responses = all.OfType<ParticipantEffect.Respond>().Where(r => r.Key.Method == SipMethod.Invite).ToList();
        Assert.All(
            responses.GroupBy(r => r.Key),
            of => Assert.DoesNotContain(of.SkipWhile(r => !r.Response.IsFinal), r => !r.Response.IsFinal));
        var finals = responses.Where(r => r.Response.IsFinal).GroupBy(r => r.Key);
        Assert.All(finals, f => Assert.Single(f.Select(r => r.Response.StatusCode).Distinct()));
        // Copies of a forked INVITE are absorbed by its transaction, which is not here.
        Assert.All(finals.Where(f => f.First().Response.StatusCode is >= 300 and not 482), f => Assert.Single(f));

        var facts = all.OfType<ParticipantEffect.Store>().Select(s => s.Fact.GetType()).ToList();
        Assert.True(
            facts is [] || facts.SequenceEqual([typeof(DialogFact.DialogConfirmed), typeof(DialogFact.DialogEnded)]),
            string.Join(",", facts));

        // Those before it were told by the conference that they are over.
        var opened = all.FindLastIndex(e => e is ParticipantEffect.OpenLeg);
        if (opened >= 0) Assert.Contains(new ParticipantEffect.CloseLeg(((ParticipantEffect.OpenLeg)all[opened]).Mixer), all.Skip(opened));
        var refused = all.OfType<ParticipantEffect.Count>().Any(c => c.Refusal == ParticipantRefusal.JoinRefused);
        if (all.OfType<ParticipantEffect.Join>().Any() && !refused) Assert.Contains(all, e => e is ParticipantEffect.Leave);
    }
}
