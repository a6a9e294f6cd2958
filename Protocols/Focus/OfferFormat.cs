using ConfCluster.Protocols.Codecs;
using ConfCluster.Protocols.KeyManagement;
using ConfCluster.Protocols.Sdp;
using ConfCluster.Protocols.Srtp;

namespace ConfCluster.Protocols.Focus;

/// <summary>The format of a first offer of ours: all that we have, or the one that a conference whose media is forwarded unopened takes.</summary>
internal static class OfferFormat
{
    /// <summary>Where we may choose it for everybody: our first codec and the suite that tickets are asked for.</summary>
    public static MediaTerms Wish(ParticipantContext context)
    {
        var media = context.Settings.Media;
        var first = OfferedCodec.Of(media.Codecs[0]);
        return MediaTerms.Of(first.Codec, first.PayloadType, OfferPlan.FirstExtensions(media.Levels).AudioLevel, MikeyTickets.SuiteOf(media.Suites), GroupKey.MkiLength);
    }

    /// <summary>We have the codec, and the suite is that of the ticket that was asked for.</summary>
    public static bool Fits(MediaTerms terms, ParticipantContext context) =>
        context.Settings.Media.Codecs.Contains(terms.Codec) && terms.Profile is { } suite && suite == MikeyTickets.SuiteOf(context.Settings.Media.Suites)
        && (terms.AudioLevel == 0 || context.Settings.Media.Levels != LevelSide.None);

    public static OfferPlan Plan(OfferPlan plan, MediaTerms? terms, ParticipantContext context)
    {
        var media = context.Settings.Media;
        plan = plan with { Levels = media.Levels };
        if (terms is not { } only)
            return plan with { Codecs = [.. media.Codecs.Select(OfferedCodec.Of)], Extensions = OfferPlan.FirstExtensions(media.Levels) };
        var mixed = only.AudioLevel == 2 ? (byte)1 : (byte)2;
        return plan with
        {
            Codecs = [new OfferedCodec(only.Codec, only.PayloadType)],
            Extensions = only.AudioLevel == 0 ? default : OfferPlan.FirstExtensions(media.Levels) with { AudioLevel = only.AudioLevel, MixedLevels = mixed },
            // Its types are ours to choose, and one of them is taken.
            TelephoneEvent = only.PayloadType >= 100 ? null : plan.TelephoneEvent,
        };
    }
}
