using ConfCluster.Protocols.Srtp;

namespace ConfCluster.Protocols.Mixing;

/// <summary>What a mixer's receiving side counts; each of a packet's fates has its number.</summary>
internal struct UplinkCounts
{
    public ulong Packets;
    public ulong AuthFailures;
    public ulong Replays;
    public ulong Malformed;
    public ulong UnknownMki;
    public ulong Concealed;
    public ulong Digits;
    public ulong Rtcp;
    public ulong Clashes;
    public ulong Misplaced;

    public void Count(SourceVerdict verdict)
    {
        switch (verdict)
        {
            case SourceVerdict.Elsewhere: Misplaced++; break;
            case SourceVerdict.OtherSource: Clashes++; break;
            default: Malformed++; break;
        }
    }

    public void Count(UnprotectError error)
    {
        switch (error)
        {
            case UnprotectError.TagMismatch: AuthFailures++; break;
            case UnprotectError.Replayed or UnprotectError.TooOld: Replays++; break;
            case UnprotectError.UnknownMki: UnknownMki++; break;
            default: Malformed++; break;
        }
    }
}
