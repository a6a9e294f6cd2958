using System.Collections.Immutable;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Keys.Rekeying;
using ConfCluster.Protocols.Mixing;

namespace ConfCluster.Actors.Conference;

/// <summary>A conference as the management API shows it.</summary>
internal static class ConferenceViews
{
    public static ConferenceView Of(ConferenceLife life, LegMonitor media, ConferencePlan plan)
    {
        var state = life.State;
        return new ConferenceView(
            state.Conference, state.IsActive, state.Incarnation, state.IsActive ? state.Mixer : null, life.WantedVersion,
            life.AppliedVersion, state.IsActive ? state.Since : null, [.. state.Members().Select(m => View(m, life, media.Of(state.MixerOf(m.Mixer), m.Participant)))])
        {
            Callouts = [.. life.Callouts],
            Speaker = state.Mixers.Keys.Select(n => media.Speaker(state.MixerOf(n))).FirstOrDefault(s => s is { } who && state.Participants.ContainsKey(who)),
            Epochs = [.. life.Keys.Epochs.Select(e => View(e, life))],
            IsRekeyDeferred = life.Keys.Wanted is not null,
            Plan = plan,
            MixerLoss = state.MixerLoss,
            Mixers = state.IsActive ? [.. state.Mixers.Values.Select(m => View(m, state, media))] : [],
            Exposure = state.KeyPolicy is { } rules
                ? new ExposureView(state.IsSwitching ? rules.SwitchBound : rules.Bound, life.Ledger.LastCovered, [.. life.Ledger.Open])
                : null,
        };
    }

    private static MixerView View(PlacedMixer mixer, ConferenceState state, LegMonitor media)
    {
        var id = state.MixerOf(mixer.Number)!.Value;
        return new MixerView(id, mixer.Loss, state.Participants.Values.Count(m => m.Mixer == mixer.Number), media.Trunk(id));
    }

    private static EpochView View(GroupKeyState epoch, ConferenceLife life) => new(
        epoch.Epoch, epoch.Phase, epoch.Reason, DateTimeOffset.UnixEpoch + epoch.Began, life.Keys.Legs.Values.Count(l => l.InUse == epoch.Epoch));

    private static LegKeyView View(Member member, LegKeys? leg) =>
        new(leg?.Keying ?? LegKeying.Own, leg?.InUse is { Number: > 0 } inUse ? inUse : null, leg?.Offered, member.IsProtected)
        {
            LacksMki = member.LacksMki,
            IsDeaf = leg is { IsDeaf: true },
        };

    private static ParticipantView View(Member member, ConferenceLife life, LegStatistics? media) => new(
        member.Participant, member.Identity, member.DisplayName, member.Ssrc.ToString(), member.JoinedAt, media)
    {
        Caller = member.Caller,
        Key = View(member, life.Keys.Find(member.Participant.Value)),
        IsMoving = life.Moves.ContainsKey(member.Participant.Value),
    };
}
