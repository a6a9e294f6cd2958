using ConfCluster.Protocols.Codecs;

namespace ConfCluster.Actors.Media.Opus;

/// <summary>The codecs of this system: those of <see cref="AudioCodecs.Managed"/>, and Opus where libopus is installed.</summary>
public static class SystemCodecs
{
    public static readonly AudioCodecs Found = LibOpus.IsPresent ? new AudioCodecs(new Library()) : AudioCodecs.Managed;

    private sealed class Library : IOpusLibrary
    {
        public IAudioEncoder CreateEncoder() => new OpusEncoder();

        public IAudioDecoder CreateDecoder() => new OpusDecoder();
    }
}
