using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Focus;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Transactions;
using ConfCluster.Protocols.Srtp;
using CsCheck;
using Xunit;
using static ConfCluster.Protocols.Tests.Focus.DialScene;

namespace ConfCluster.Protocols.Tests.Focus;

/// <summary>Responses, refusals, forks, withdrawals and timers in every order: what must hold at every step and at the end.</summary>
public sealed class DiallingProperties
{
    private static readonly ParticipantTimer[] Timers = Enum.GetValues<ParticipantTimer>();
    private static readonly string[] Tags = ["bob", "carol", "dave"];
    private static readonly int[] Statuses = [302, 401, 404, 422, 480, 486, 487, 503, 603];

    private static readonly Gen<(int Move, int Detail)[]> Stories = Gen.Select(Gen.Int[0, 18], Gen.Int[0, 11]).Array[0, 40];

    [Fact]
    public void Whoever_answers_is_in_or_is_hung_up_and_a_life_that_ends_leaves_nothing() => Gen.Select(Stories, Gen.Int[0, 2]).Sample(
        (story, start) =>
        {
            var scene = start switch { 0 => new DialScene(), 1 => Calling(), _ => Joined() };
            var media = new List<MasterKey>();
            var cseq = 1u;
            foreach (var (move, detail) in story)
            {
                Move(scene, move, detail, ref cseq);
                Collect(scene, media);
            }

            Finish(scene);
            Holds(scene);
            foreach (var key in media) key.Dispose();
        },
        iter: 3000);

    private static void Move(DialScene scene, int move, int detail, ref uint cseq)
    {
        var tag = Tags[detail % 3];
        var called = scene.All.Any(e => e is ParticipantEffect.SendRequest { Request.Method.Name: "INVITE" });
        switch (move)
        {
            case 0: scene.Dial(); break;
            case 1: scene.Grant(); break;
            case 2: Open(scene); break;
            case 3: scene.Locate(detail == 0 ? [] : ["192.0.2.5:5060", "192.0.2.6:5060"]); break;
            case 4 when called: scene.Respond(detail < 4 ? 100 : 180, detail < 4 ? "" : tag); break;
            case 5 when called: Reliable(scene, detail, tag); break;
            case 6 or 7 when called && !IsRefused(scene): scene.Respond(200, tag, Body(detail)); break;
            case 8 when called && !IsAnswered(scene): scene.Respond(Statuses[detail % Statuses.Length], contact: Elsewhere(detail)); break;
            case 9 when detail < 3: scene.Fail(detail == 0 ? TransactionFailure.Timeout : TransactionFailure.Transport); break;
            case 10 or 11: scene.Accept(); break;
            case 12 when detail < 2: scene.Do(new ParticipantInput.JoinRefused(Room, Rejection.ConferenceFull)); break;
            case 13 when detail < 2: scene.Do(new ParticipantInput.EndRequested(Room, LeaveReason.Evicted)); break;
            case 14: scene.Fire(Timers[detail % Timers.Length]); break;
            case 15 when detail < 4: scene.Receive(detail == 0 ? "BYE" : "OPTIONS", tag, cseq++); break;
            case 17 when Asked(scene) is { } full: scene.Do(new ParticipantInput.LegRefused(full, Rejection.NoMediaCapacity)); break;
            case 18: scene.Do(new ParticipantInput.DialGranted(Room, Mixer with { Number = detail % 2, Incarnation = 1 + detail % 4 })); break;
            case 16: scene.RespondTo("BYE", 200, tag); break;
        }
    }

    /// <summary>The mixer that was asked for ports last.</summary>
    private static MixerId? Asked(DialScene scene) => scene.All.OfType<ParticipantEffect.OpenLeg>().LastOrDefault()?.Mixer;

    private static void Open(DialScene scene)
    {
        var mixer = Asked(scene) ?? Mixer;
        var port = 40000 + 100 * (int)(mixer.Incarnation - 1) + 10 * mixer.Number;
        scene.Do(new ParticipantInput.LegOpened(mixer, Ports.WithPort(port), Ports.WithPort(port + 1)));
    }

    /// <summary>A transaction that ended with a refusal lets no 2xx through (RFC 6026 §7.2), and the other way round.</summary>
    private static bool IsRefused(DialScene scene) => scene.State is ParticipantState.Locating or ParticipantState.Ended;

    private static bool IsAnswered(DialScene scene) => scene.State is ParticipantState.Admitting or ParticipantState.Forked;

    private static string Body(int detail) => detail % 4 == 3 ? Answer(tag: "9") : Answer((byte)(1 + detail));

    private static string? Elsewhere(int detail) => $"Contact: <sip:next{detail}@192.0.2.7>\r\n";

    private static void Reliable(DialScene scene, int detail, string tag) => scene.Respond(
        183, tag, detail % 2 == 0 ? Answer((byte)(1 + detail)) : "", $"Require: 100rel\r\nRSeq: {1 + (detail / 4)}\r\n");

    private static void Collect(DialScene scene, List<MasterKey> media)
    {
        foreach (var set in scene.Effects.OfType<ParticipantEffect.SetLegMedia>()) media.AddRange([.. set.Media.Uplink, set.Media.Downlink]);

        // What is held is alive, and what was let go is zeroed.
        foreach (var key in scene.State.Secrets.OfType<MasterKey>()) _ = key.KeyAndSalt.Reveal();
        foreach (var key in scene.Effects.OfType<ParticipantEffect.Destroy>().Select(d => d.Secrets).OfType<MasterKey>())
            Assert.Throws<ObjectDisposedException>(() => key.KeyAndSalt.Reveal().Length);
        foreach (var key in media) _ = key.KeyAndSalt.Reveal();
    }

    private static void Finish(DialScene scene)
    {
        scene.Do(new ParticipantInput.EndRequested(Room, LeaveReason.ConferenceEnded));
        scene.Fire(ParticipantTimer.CancelLimit);
        scene.Fire(ParticipantTimer.ByeUnanswered);
        scene.Do(new ParticipantInput.LeaveAcknowledged(Room));
        scene.Fire(ParticipantTimer.Forget);
        scene.Fire(ParticipantTimer.LateAnswers);
    }

    private static void Holds(DialScene scene)
    {
        var all = scene.All;
        Assert.IsType<ParticipantState.Ended>(scene.State);
        Assert.Empty(scene.State.Secrets);
        Assert.Single(all.OfType<ParticipantEffect.Stop>());

        // A phone that was acknowledged was let in or hung up on; at most one is let in, and no BYE goes to one without an ACK.
        var acknowledged = all.OfType<ParticipantEffect.SendAck>().Select(a => a.Request.Headers.To.Tag).Distinct().ToList();
        var hungUp = all.OfType<ParticipantEffect.SendRequest>().Where(s => s.Request.Method == SipMethod.Bye).ToList();
        Assert.All(hungUp, b => Assert.Contains(b.Request.Headers.To.Tag, acknowledged));
        Assert.Equal(hungUp.Count, hungUp.Select(b => b.Request.Headers.To.Tag).Distinct().Count());
        // Once when it joins, and again with the answer to a re-INVITE of ours.
        var reinvites = all.OfType<ParticipantEffect.SendRequest>().Count(
            r => r.Request is { Method.Name: "INVITE", Headers.To.Tag: not null });
        Assert.InRange(all.OfType<ParticipantEffect.SetLegMedia>().Count(), 0, 1 + reinvites);
        var left = all.OfType<ParticipantEffect.Respond>().Count(r => r.Key.Method == SipMethod.Bye && r.Response.StatusCode == 200);
        Assert.True(acknowledged.Count <= hungUp.Count + left, "somebody was left hanging on the line");

        var facts = all.OfType<ParticipantEffect.Store>().Select(s => s.Fact.GetType()).ToList();
        Assert.True(facts is [] || facts.SequenceEqual([typeof(DialogFact.DialogConfirmed), typeof(DialogFact.DialogEnded)]), string.Join(",", facts));
        var opened = all.FindLastIndex(e => e is ParticipantEffect.OpenLeg);
        if (opened >= 0) Assert.Contains(new ParticipantEffect.CloseLeg(((ParticipantEffect.OpenLeg)all[opened]).Mixer), all.Skip(opened));
        if (all.OfType<ParticipantEffect.Join>().Any()) Assert.Contains(all, e => e is ParticipantEffect.Leave);
        if (all.OfType<ParticipantEffect.AskToDial>().Any())
            Assert.Contains(all.OfType<ParticipantEffect.ReportDial>(), r => r.State is CalloutState.Joined or CalloutState.Failed);
    }
}
