namespace ConfCluster.Protocols.Srtp;

/// <summary>
/// Where the pieces behind the body of a protected packet stand, counted from the body's end. HMAC: index word, MKI, tag (RFC 3711 §3.1,
/// §3.4); AEAD: tag, index word, MKI (RFC 7714 §8.2, §9.2).
/// </summary>
internal readonly record struct SrtpTail(int Tag, int Word, int Mki, int Length)
{
    public static SrtpTail Rtp(SrtpProfile profile, int mkiLength) => Of(profile, profile.RtpTagLength, 0, mkiLength);

    public static SrtpTail Rtcp(SrtpProfile profile, int mkiLength) => Of(profile, profile.RtcpTagLength, SrtpOverhead.RtcpIndexLength, mkiLength);

    private static SrtpTail Of(SrtpProfile profile, int tag, int word, int mki) => profile.MkiBeforeTag
        ? new SrtpTail(word + mki, 0, word, word + mki + tag)
        : new SrtpTail(0, tag, tag + word, tag + word + mki);
}
