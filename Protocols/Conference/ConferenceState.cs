using System.Collections.Immutable;
using System.Diagnostics;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Keys.Rekeying;
using ConfCluster.Protocols.Rtp;
using ConfCluster.Protocols.Sip.Authentication;

namespace ConfCluster.Protocols.Conference;

/// <summary>
/// A conference as its events tell it, and nothing else: <see cref="Apply(ConferenceEvent)"/> has no rule. A name can begin again after its
/// end; incarnations, mixer incarnations and the register of SSRCs go on then.
/// </summary>
public sealed record ConferenceState
{
    private ConferenceState(ConferenceId conference) => Conference = conference;

    public ConferenceId Conference { get; }

    /// <summary>Begun and not ended; never without a participant.</summary>
    public bool IsActive { get; private init; }

    /// <summary>How often the name has begun.</summary>
    public long Instance { get; private init; }

    /// <summary>When this instance began; null before the first.</summary>
    public DateTimeOffset? Since { get; private init; }

    public Incarnation Incarnation { get; private init; }

    /// <summary>The highest of any mixer that was ever placed, whatever its number: each mixer has one of its own, and a later one a higher.</summary>
    public long MixerIncarnation { get; private init; }

    /// <summary>Those that serve it now or served it last, by number, which are 0 and up without a gap; empty before the first.</summary>
    public ImmutableSortedDictionary<int, PlacedMixer> Mixers { get; private init; } = ImmutableSortedDictionary<int, PlacedMixer>.Empty;

    /// <summary>Why the mixer before the first of them is not in charge any more; none: it is the first of its instance.</summary>
    public MixerLoss MixerLoss => Mixers.TryGetValue(0, out var first) ? first.Loss : MixerLoss.None;

    public ImmutableDictionary<ParticipantId, Member> Participants { get; private init; } =
        ImmutableDictionary<ParticipantId, Member>.Empty;

    /// <summary>Every SSRC ever given to anybody: with keys that may still be around, none is used twice (RFC 3711 §9.1).</summary>
    public ImmutableHashSet<Ssrc> Register { get; private init; } = [];

    /// <summary>As <see cref="PlacedMixer.SharedSsrcs"/>, of the first mixer.</summary>
    public ImmutableArray<Ssrc> SharedSsrcs => Mixers.TryGetValue(0, out var first) ? first.SharedSsrcs : [];

    /// <summary>Its rules; null: those for such a name.</summary>
    public ConferencePlan? Plan { get; private init; }

    /// <summary>The newest rules about keys; null: none were ever stored.</summary>
    public RekeyPolicy? KeyPolicy { get; private init; }

    /// <summary>The newest epoch that ever began under this name; goes on over its instances, so that no MKI comes twice.</summary>
    public KeyEpoch LastEpoch { get; private init; }

    public DateTimeOffset LastEpochAt { get; private init; }

    /// <summary>The highest number of a key that was ever told, begun or not.</summary>
    public KeyEpoch LastRung { get; private init; }

    /// <summary>The first of those that serve it now or served it last; null before the first.</summary>
    public MixerId? Mixer => MixerOf(0);

    /// <summary>Its media is forwarded unopened: nobody is in whose packets are mixed.</summary>
    public bool IsSwitching => Participants.Values.Any(m => m.Keying == LegKeying.Switched);

    /// <summary>The format of all whose media is forwarded unopened; null: it is mixed, or nobody is in.</summary>
    public string? Media => Participants.Values.FirstOrDefault(m => m.Keying == LegKeying.Switched)?.Media;

    public static ConferenceState New(ConferenceId conference) => new(conference);

    public ConferenceState Apply(ConferenceEvent happened) => happened switch
    {
        ConferenceEvent.Created e => this with
        {
            IsActive = true,
            Instance = Instance + 1,
            Since = e.At,
            Participants = Participants.Clear(),
            Mixers = Mixers.Clear(),
        },
        ConferenceEvent.Planned e => this with { Plan = e.Plan },
        ConferenceEvent.Taken e => this with { Incarnation = e.Incarnation },
        ConferenceEvent.ParticipantJoined e => this with
        {
            Participants = Participants.SetItem(e.Participant, new Member(e.Participant, e.Identity, e.DisplayName, e.Ssrc, e.At)
            {
                Caller = e.Caller,
                Keying = e.Keying,
                IsProtected = e.IsProtected,
                LacksMki = e.LacksMki,
                TakesLadder = e.TakesLadder,
                Mixer = e.Mixer,
                Uplink = e.Uplink,
                Media = e.Media,
            }),
            Register = e.Uplink == default ? Register.Add(e.Ssrc) : Register.Add(e.Ssrc).Add(e.Uplink),
        },
        ConferenceEvent.ParticipantLeft e => this with { Participants = Participants.Remove(e.Participant) },
        ConferenceEvent.ParticipantMoved e => this with
        {
            Participants = Participants.TryGetValue(e.Participant, out var moved)
                ? Participants.SetItem(e.Participant, moved with { Mixer = e.Mixer, Ssrc = e.Ssrc, Seating = moved.Seating + 1 })
                : Participants,
            Register = Register.Add(e.Ssrc),
        },
        ConferenceEvent.MixerPlaced e => Placed(e),
        ConferenceEvent.Ended => this with { IsActive = false, Participants = Participants.Clear() },
        ConferenceEvent.SsrcsReserved e => this with
        {
            Register = Register.Union(e.Ssrcs),
            Mixers = Mixers.TryGetValue(e.Mixer, out var mixer) ? Mixers.SetItem(e.Mixer, mixer with { SharedSsrcs = e.Ssrcs }) : Mixers,
        },
        ConferenceEvent.KeyPolicySet e => this with { KeyPolicy = e.Policy },
        ConferenceEvent.KeyEpochBegan e => this with { LastEpoch = e.Epoch, LastEpochAt = e.At },
        ConferenceEvent.KeyLadderMade e => this with { LastRung = e.Rungs[^1].Epoch },
        // For the audit; what is under way is in memory, and begins anew after a recovery.
        ConferenceEvent.RekeyDeferred or ConferenceEvent.LegsProgressed or ConferenceEvent.KeyEpochPassed => this,
        _ => throw new UnreachableException($"no fold for {happened.GetType().Name}"),
    };

    /// <summary>Another mixer would begin its streams anew under keys that are still in use.</summary>
    private ConferenceState Placed(ConferenceEvent.MixerPlaced e) => this with
    {
        MixerIncarnation = e.MixerIncarnation,
        Mixers = Mixers.SetItem(e.Number, new PlacedMixer(e.Number, e.MixerIncarnation, e.Loss)),
        Register = Register.Union(e.Ssrcs.Select(s => s.Ssrc)),
        Participants = e.Ssrcs.Aggregate(
            Participants, (all, s) => all.TryGetValue(s.Participant, out var m) ? all.SetItem(s.Participant, m with { Ssrc = s.Ssrc }) : all),
    };

    public ConferenceState Apply(IEnumerable<ConferenceEvent> happened)
    {
        ArgumentNullException.ThrowIfNull(happened);
        return happened.Aggregate(this, (state, e) => state.Apply(e));
    }

    /// <summary>The participants in the order they came.</summary>
    public ImmutableArray<Member> Members() =>
        [.. Participants.Values.OrderBy(m => m.JoinedAt).ThenBy(m => m.Participant.Value, StringComparer.Ordinal)];

    /// <summary>The mixer of that number; null: there is none.</summary>
    public MixerId? MixerOf(int number) => Mixers.TryGetValue(number, out var mixer) ? new MixerId(Conference, number, mixer.Incarnation) : null;

    /// <summary>Where the leg of a participant is to be; null: it is not in.</summary>
    public MixerId? MixerOf(ParticipantId participant) => Participants.TryGetValue(participant, out var member) ? MixerOf(member.Mixer) : null;

    /// <summary>Those with its legs are told states; one that was replaced is not.</summary>
    public bool HasMixer(MixerId mixer) => MixerOf(mixer.Number) == mixer;

    /// <summary>What a mixer is to do; those in <paramref name="departed"/> are out before their leave is stored.</summary>
    /// <param name="members">All of them, in the order in which they came.</param>
    public MixerState DesiredMixer(
        int number, long version, ImmutableArray<Member> members, ImmutableHashSet<ParticipantId> departed, Func<ParticipantId, LegKeyUse> keys) => new(
        MixerOf(number) ?? throw new InvalidOperationException($"{Conference} has no mixer {number} yet"), Incarnation, version,
        [.. members.Where(m => m.Mixer == number && !departed.Contains(m.Participant))
            .Select(m => new MixerLeg(m.Participant, m.Ssrc, keys(m.Participant)) { Uplink = m.Uplink })])
        {
            SharedSsrcs = Mixers[number].SharedSsrcs,
        };
}

/// <summary>A mixer that has a part of the legs, or all.</summary>
/// <param name="Loss">Why the one of this number before it is not in charge any more; none: it is the first of its instance.</param>
public sealed record PlacedMixer(int Number, long Incarnation, MixerLoss Loss)
{
    /// <summary>The newest SSRCs for streams that several of its legs share.</summary>
    public ImmutableArray<Ssrc> SharedSsrcs { get; init; } = [];
}

/// <summary>Somebody who is in.</summary>
public sealed record Member(ParticipantId Participant, string Identity, string? DisplayName, Ssrc Ssrc, DateTimeOffset JoinedAt)
{
    public CallerIdentity? Caller { get; init; }

    public LegKeying Keying { get; init; }

    /// <summary>False: its keys crossed an unprotected hop.</summary>
    public bool IsProtected { get; init; }

    /// <summary>Its keys had no MKI.</summary>
    public bool LacksMki { get; init; }

    /// <summary>Its signalling has room for keys told in advance.</summary>
    public bool TakesLadder { get; init; }

    /// <summary>The number of the mixer that its leg is at.</summary>
    public int Mixer { get; init; }

    /// <summary>How often its leg was given another place for want of room.</summary>
    public int Seating { get; init; }

    /// <summary>The SSRC that it sends under with the group key; 0: it sends under a key of its own.</summary>
    public Ssrc Uplink { get; init; }

    /// <summary>What it sends and takes, where media is forwarded unopened.</summary>
    public string? Media { get; init; }
}
