using System.Collections.Immutable;
using ConfCluster.Protocols.Codecs;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Keys.Rekeying;
using ConfCluster.Protocols.Sdp;
using ConfCluster.Protocols.Srtp;

namespace ConfCluster.Protocols.Focus;

/// <summary>
/// Offers of ours in a dialog that has had its first (<see cref="LegNegotiation"/>): a key, another place, our last word again. Each holds all keys of the leg
/// that are in use (<see cref="ToldKeys"/>), since it takes the place of the SDP before.
/// </summary>
internal static class LegOffers
{
    private const long FirstNumber = 1 << 20;

    /// <summary>For a re-INVITE without offer: what is in use, so that the version of o= stays when it was the last word, too.</summary>
    public static Leg OfferAgain(Leg leg, ParticipantContext context) => leg.Remote is null ? leg : OfferAgain(leg, Mixing.MediaDirection.SendReceive, context);

    /// <summary>
    /// For a re-INVITE of ours that changes nothing (RFC 4028 §7.4): our last word again, with its o=. An answer has one suite and one
    /// codec, so it is an offer as it stands; an offer of ours may list suites whose keys are gone.
    /// </summary>
    public static Leg OfferUnchanged(Leg leg, ParticipantContext context) =>
        leg.Remote is null ? leg
        : !ToldPlace.IsNow(leg) || leg.Mikey is { IsRevived: true } ? OfferKeys(leg, context)
        : leg.Mikey is { } mikey ? leg with { LocalIsAnswer = false, Mikey = mikey.Settled() }
        : leg.LocalIsAnswer ? leg with { LocalIsAnswer = false }
        : OfferKeys(leg, context);

    /// <summary>Our last word again with one more group key, and without those that nobody uses any more.</summary>
    public static Leg OfferKey(Leg leg, WaitingKey told, ParticipantContext context) =>
        OfferKeys(
        leg with
        {
            Group = ToldKeys.With(leg.Group, told.Key, told.InUse, told.Taken),
            Sends = told.Switches ? told.Key.Epoch : leg.Sends,
            Streams = told.Streams,
        },
        context,
        isNews: told.Switches);

    /// <summary>Our last word again with where the leg is now. Keyed by MIKEY it is a CSB update (RFC 6043 §5.2) with the keys of now.</summary>
    public static Leg OfferPlace(Leg leg, ParticipantContext context) => leg.Remote is null ? leg : OfferKeys(leg, context);

    /// <summary>Of an offer in a dialog whose keys are lost. Seconds of a clock only grow, so no number was before.</summary>
    public static long NumberAt(ParticipantContext context) => Math.Max(FirstNumber, context.Now.ToUnixTimeSeconds());

    /// <summary>
    /// For a dialog whose keys are lost: our last word again, with new keys for every suite and the ports of now. Whoever offered keys with an MKI takes one.
    /// </summary>
    /// <returns>Null: the fact cannot be read.</returns>
    public static Leg? OfferAnew(DialogFact.DialogConfirmed fact, LegPlace place, ParticipantContext context)
    {
        if (!SdpReader.TryRead(System.Text.Encoding.UTF8.GetBytes(fact.LocalSdp), out var local, out _)) return null;
        var (number, mki) = (NumberAt(context), fact.TakesMki);
        local = local! with { Origin = LegRecord.Leapt(local.Origin, number) };
        var index = ToldPlace.FirstAudio(local);
        ImmutableArray<MasterKey> keys =
        [
            .. context.Settings.Media.Suites.Select(s => MasterKey.Generate(s, mki ? GroupKey.OwnMki(number) : Mki.None, context.Random)),
        ];
        var stream = local.Media[index] with
        {
            Crypto = [.. keys.Select((key, i) => new CryptoAttribute((uint)i + 1, key.Profile, [key.Copy()]))],
            Direction = StreamTerms.Written(Mixing.MediaDirection.SendReceive),
        };
        var leg = new Leg(place, keys, null, fact.RemoteSdp, local, LocalIsAnswer: false, SdpBody.Nothing, number);
        var offer = ToldPlace.Now(leg, stream);
        return leg with { Local = offer, Sent = LegNegotiation.Octets(offer) };
    }

    /// <summary>Nothing but the keys and the place changes, so a peer has no cause to answer with another codec. Our first offer had more suites than one.</summary>
    /// <param name="isNews">What the peer is to send under changes with the same keys: another version of o=, or it would look at nothing (RFC 3264 §8).</param>
    private static Leg OfferKeys(Leg leg, ParticipantContext context, bool isNews = false)
    {
        var remote = leg.Remote!;
        var stream = leg.Local.Media[remote.Index];
        if (stream.Crypto is not [var line]) return OfferAgain(leg, remote.Direction, context);
        using var told = ToldKeys.Of(leg.Group, leg.Key);
        var crypto = new CryptoAttribute(line.Tag, leg.Key.Profile, [.. told.Keys.Select(k => k.Copy())]);
        stream = stream with { Crypto = [crypto], Direction = StreamTerms.Written(remote.Direction) };
        var local = OfferAnswer.Numbered(leg.Local, ToldPlace.Now(leg, stream));
        if (isNews && local.Origin == leg.Local.Origin) local = local with { Origin = local.Origin.Next };
        return MikeyNegotiation.Written(leg with { Local = local, LocalIsAnswer = false }, context) with { Streams = [] };
    }

    private static Leg OfferAgain(Leg leg, Mixing.MediaDirection direction, ParticipantContext context)
    {
        var remote = leg.Remote!;
        var used = new OfferedCodec(remote.Codec, remote.PayloadType);
        var others = context.Settings.Media.Codecs
            .Where(c => c != remote.Codec)
            .Select(OfferedCodec.Of)
            .Where(c => c.PayloadType != remote.PayloadType && c.PayloadType != remote.TelephoneEvent);
        using var told = ToldKeys.Of(leg.Group, leg.Key);
        var offer = OfferAnswer.CreateOffer(
            new OfferPlan(leg.Local.Origin, leg.Place.Rtp, leg.Place.Rtcp, [new OfferedCrypto(remote.CryptoTag, told.Keys)])
            {
                Codecs = [used, .. others],
                TelephoneEvent = remote.TelephoneEvent,
                TelephoneEventRate = remote.TelephoneEventRate,
                RtcpMux = remote.RtcpMux,
                Direction = direction,
                Extensions = remote.Extensions,
                Levels = remote.Levels,
                Lines = remote.Lines,
                Index = remote.Index,
            });
        var local = OfferAnswer.Numbered(leg.Local, offer);
        return MikeyNegotiation.Written(leg with { Local = local, LocalIsAnswer = false }, context);
    }
}
