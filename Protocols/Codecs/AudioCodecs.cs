using System.Collections.Immutable;

namespace ConfCluster.Protocols.Codecs;

/// <summary>Opus, which is a library of the system: whoever composes the program knows whether there is one.</summary>
public interface IOpusLibrary
{
    IAudioEncoder CreateEncoder();

    IAudioDecoder CreateDecoder();
}

/// <summary>The codecs to be had in this process, and the way to get one.</summary>
public sealed class AudioCodecs(IOpusLibrary? opus)
{
    /// <summary>Those written here, which need nothing of the system.</summary>
    public static readonly AudioCodecs Managed = new(null);

    /// <summary>Those that a phone may be offered.</summary>
    public static readonly ImmutableArray<AudioCodec> OfPhones = [AudioCodec.Pcmu, AudioCodec.Pcma, AudioCodec.G722, AudioCodec.Opus];

    public bool Has(AudioCodec codec) => codec != AudioCodec.Opus || opus is not null;

    /// <summary>Of the codecs wanted, those that are to be had; the order stays.</summary>
    public ImmutableArray<AudioCodec> Only(ImmutableArray<AudioCodec> wanted) => [.. wanted.Where(Has)];

    public IAudioEncoder CreateEncoder(AudioCodec codec) => codec switch
    {
        AudioCodec.Pcmu or AudioCodec.Pcma => new G711Encoder(codec),
        AudioCodec.G722 => new G722Encoder(),
        AudioCodec.Opus when opus is not null => opus.CreateEncoder(),
        _ => throw new InvalidOperationException($"{codec} is not to be had here"),
    };

    public IAudioDecoder CreateDecoder(AudioCodec codec) => codec switch
    {
        AudioCodec.Pcmu or AudioCodec.Pcma => new G711Decoder(codec),
        AudioCodec.G722 => new G722Decoder(),
        AudioCodec.L16 => new L16Decoder(),
        AudioCodec.Opus when opus is not null => opus.CreateDecoder(),
        _ => throw new InvalidOperationException($"{codec} is not to be had here"),
    };
}
