using System.Collections.Immutable;
using System.Net.Sockets;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Focus;
using ConfCluster.Protocols.Mixing;
using ConfCluster.Protocols.Srtp;

namespace ConfCluster.Actors.Media;

/// <summary>Anything sent to a mixer entity; the region routes it by <see cref="Mixer"/>.</summary>
public interface IMixerMessage
{
    MixerId Mixer { get; }
}

/// <summary>The conference's desired state; an older one is dropped, a lower incarnation is reported.</summary>
public sealed record SetMixerState(MixerState State) : IMixerMessage
{
    public MixerId Mixer => State.Mixer;
}

/// <summary>It is in charge: now and then, and when its report asks. A lower incarnation is reported, as with <see cref="SetMixerState"/>.</summary>
/// <param name="Answer">The question of that report; 0: it had none.</param>
public sealed record ConfirmMixer(MixerId Mixer, Incarnation Incarnation, long Answer) : IMixerMessage;

/// <summary>
/// A participant asks for ports. Answered (through the participant region) by <c>LegOpened</c> or <c>LegRefused</c>; repeating it gives
/// the same ports. A leg that the conference does not admit within media.unadmitted-leg-timeout is closed.
/// </summary>
/// <param name="Family">Of the ports. Another one than before: those of before are given back.</param>
public sealed record OpenLeg(MixerId Mixer, ParticipantId Participant, AddressFamily Family) : IMixerMessage
{
    /// <summary>Of the keys that it will send with, as far as they are known.</summary>
    public ImmutableArray<KeyFingerprint> Uplink { get; init; } = [];
}

/// <summary>What offer and answer settled. Holds keys: its serializer refuses to let it leave the process. The receiver takes ownership.</summary>
public sealed record SetLegMedia(MixerId Mixer, LegMedia Media) : IMixerMessage;

/// <summary>
/// The key set of an epoch, before the first state that uses it. Kept while the states name the epoch, then zeroed. The receiver takes ownership.
/// </summary>
public sealed record SetGroupKey(MixerId Mixer, Incarnation Incarnation, GroupKey Key) : IMixerMessage;

/// <summary>The keys between the mixers of its conference, before the first state that uses them. The receiver takes ownership.</summary>
public sealed record SetTrunkKeys(MixerId Mixer, Incarnation Incarnation, TrunkKeys Keys) : IMixerMessage;

/// <summary>
/// A participant pressed a key: published on the event stream of the mixer's node for whoever wants it. Nothing of it is stored or logged
/// but that it happened.
/// </summary>
public sealed record DigitPressed(MixerId Mixer, ParticipantId Participant, Digit Digit);

/// <summary>What a next life of the participant needs to go on. Kept in memory until the leg is closed. The receiver takes ownership.</summary>
public sealed record KeepLeg(LegRecord Record) : IMixerMessage
{
    public MixerId Mixer => Record.Place.Mixer;
}

/// <summary>A participant came back without its leg: answered (through the participant region) by <c>LegFound</c>.</summary>
public sealed record FindLeg(MixerId Mixer, ParticipantId Participant) : IMixerMessage;

/// <summary>What offer and answer settled for a leg whose packets are forwarded unopened. It holds no key, and goes by the serializer that takes none.</summary>
public sealed record SetForwardedLeg(MixerId Mixer, ForwardedLeg Leg) : IMixerMessage;

public sealed record CloseLeg(MixerId Mixer, ParticipantId Participant) : IMixerMessage;
