using System.Collections.Immutable;
using ConfCluster.Protocols.KeyManagement;
using ConfCluster.Protocols.Keys.Rekeying;
using ConfCluster.Protocols.Sdp;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Sessions;
using ConfCluster.Protocols.Srtp;
using static ConfCluster.Protocols.Focus.ParticipantState;
using ParticipantStep = ConfCluster.Protocols.Sip.Transactions.Step<
    ConfCluster.Protocols.Focus.ParticipantState, ConfCluster.Protocols.Focus.ParticipantEffect>;

namespace ConfCluster.Protocols.Focus;

/// <summary>What a record at the mixer was made of.</summary>
/// <param name="Local">Compared as an object, as the keys are: they may be gone.</param>
internal sealed record KeptLeg(
    SessionDescription Local, ImmutableArray<GroupKey> Group, long Generation, LegPlace Place, SipUri Target, SipFlow Flow, SessionTimer Session, bool TakesUpdate)
{
    /// <summary>Compared as an object: each message of its bundle makes another.</summary>
    public KeyedLeg? Mikey { get; init; }

    /// <param name="isSettled">False: a message of ours is out, and of its bundle is kept what was before.</param>
    public static KeptLeg Of(Participation p, bool isSettled) =>
        new(p.Leg.Local, p.Leg.Group, p.Leg.Generation, p.Leg.Place, p.Dialog.RemoteTarget, p.Flow, p.Session, p.TakesUpdate)
        {
            Mikey = isSettled ? p.Leg.Mikey : p.Kept?.Mikey,
        };

    public bool Equals(KeptLeg? other) => other is not null && ReferenceEquals(Local, other.Local) && Group == other.Group && Generation == other.Generation
        && Place == other.Place && Target == other.Target && Flow == other.Flow && Session == other.Session && TakesUpdate == other.TakesUpdate
        && ReferenceEquals(Mikey, other.Mikey);

    public override int GetHashCode() => HashCode.Combine(Generation, Target, Flow);
}

/// <summary>
/// In a cluster the mixer of a leg gets a <see cref="LegRecord"/> of it as soon as something that is settled has changed. Not where media is forwarded unopened:
/// a media node never has those keys.
/// </summary>
internal static class LegKeeping
{
    public static ParticipantStep Proceed(ParticipantStep step, ParticipantContext context)
    {
        if (!context.Settings.CallsOutliveNode) return step;
        var (participation, state) = step.State switch
        {
            Confirmed s => (s.Participation, s),
            Asking s => (s.Participation, (ParticipantState)s),
            _ => (null, step.State),
        };
        if (participation is not { Stored: true, Leg: { Remote: not null, Keying: not LegKeying.Switched } }) return step;
        var now = KeptLeg.Of(participation, state is Confirmed);
        return now == participation.Kept
            ? step
            : new ParticipantStep(
                InDialog.With(state, participation with { Kept = now }), step.Effects.Add(new ParticipantEffect.KeepLeg(LegRecord.Of(participation, context.Id))));
    }
}
