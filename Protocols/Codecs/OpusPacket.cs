namespace ConfCluster.Protocols.Codecs;

/// <summary>What can be told of an Opus packet without decoding it (RFC 6716 §3.1, §3.2).</summary>
public static class OpusPacket
{
    /// <summary>Samples of 48 kHz in it; -1: malformed.</summary>
    public static int Duration(ReadOnlySpan<byte> payload)
    {
        // RFC 6716 §3.4: at least one octet.
        if (payload.IsEmpty) return -1;
        var frames = (payload[0] & 3) switch
        {
            0 => 1,
            1 or 2 => 2,
            _ => payload.Length < 2 ? -1 : payload[1] & 0x3F,
        };
        var duration = frames * FrameOf(payload[0] >> 3);
        // RFC 6716 §3.2.5: no more than 120 ms, and at least one frame.
        return frames > 0 && duration <= 5760 ? duration : -1;
    }

    /// <summary>RFC 6716 §3.1, table 2: SILK 10 to 60 ms, hybrid 10 or 20 ms, CELT 2.5 to 20 ms.</summary>
    private static int FrameOf(int configuration) => configuration switch
    {
        < 12 => (configuration & 3) == 3 ? 2880 : 480 << (configuration & 3),
        < 16 => 480 << (configuration & 1),
        _ => 120 << (configuration & 3),
    };
}
