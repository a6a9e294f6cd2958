namespace ConfCluster.Protocols.Codecs;

/// <summary>A codec under a payload type.</summary>
public readonly record struct OfferedCodec(AudioCodec Codec, byte PayloadType)
{
    public static readonly OfferedCodec Pcmu = Of(AudioCodec.Pcmu);
    public static readonly OfferedCodec Pcma = Of(AudioCodec.Pcma);

    /// <summary>Under the payload type that we offer it with.</summary>
    public static OfferedCodec Of(AudioCodec codec) => new(codec, AudioFormat.Of(codec).OurPayloadType);
}
