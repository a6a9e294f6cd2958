using System.Buffers.Binary;
using ConfCluster.Protocols.Codecs;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Rtp;
using ConfCluster.Protocols.Srtp;
using ConfCluster.Protocols.Wire;

namespace ConfCluster.Protocols.Mixing;

/// <summary>
/// What a mixer sends to the others: the sum of its own loudest talkers, in L16, naming them and their levels (RFC 6465 §3). Made and encrypted once for all. Nothing
/// is sent while nobody talks. While others still hear it under keys that a newcomer among them was never given, it is made once more for that one. Left out: RTCP, for
/// both ends are led by one conference.
/// </summary>
internal sealed class TrunkSender(SecretWriter random) : IDisposable
{
    /// <summary>The identifier of the levels in its packets.</summary>
    public const byte Levels = 1;

    /// <summary>Who has been told a generation of keys uses it so much later: until then each of the others has been told, too.</summary>
    public static readonly TimeSpan MoveDelay = TimeSpan.FromMilliseconds(300);

    /// <summary>So long silence is sent after the last word, so that pauses between words are no gaps.</summary>
    private static readonly TimeSpan Hold = TimeSpan.FromSeconds(1);

    private readonly byte[] _packet = new byte[MixerBuffers.MaxPacket];
    private readonly PacketHead _head = new();
    private Stream? _stream;
    private Stream? _next;
    private TimeSpan? _moveAt;
    private TimeSpan _talksUntil;
    private bool _resuming = true;
    private bool _isDue;

    public ulong Sent { get; private set; }

    /// <summary>Under those from <see cref="MoveDelay"/> on; where it has none, at once. Takes the key over.</summary>
    public void Use(long generation, Ssrc ssrc, MasterKey key)
    {
        _next?.Dispose();
        (_next, _moveAt) = (new Stream(generation, ssrc, key, random), null);
    }

    /// <summary>Nobody is left to send to.</summary>
    public void Stop()
    {
        _stream?.Dispose();
        _next?.Dispose();
        (_stream, _next, _moveAt) = (null, null, null);
    }

    /// <summary>Every 20 ms.</summary>
    /// <param name="talks">Somebody is in the mix.</param>
    /// <param name="mix">Of this mixer's own legs, at 16 kHz.</param>
    /// <param name="contributors">Who is in it.</param>
    /// <returns>The packet that is due, for all that were there when its generation began; empty: none.</returns>
    public ReadOnlySpan<byte> Make(bool talks, ReadOnlySpan<short> mix, Contributors contributors, ulong tick, TimeSpan now)
    {
        Move(now);
        if (talks) _talksUntil = now + Hold;
        _isDue = _stream is not null && now < _talksUntil;
        var resumes = _resuming;
        _resuming = !_isDue;
        if (!_isDue) return default;
        _head.Mixed(contributors, except: -1, Levels);
        return Pack(_stream!, resumes, mix, tick);
    }

    /// <summary>After <see cref="Make"/>: of the generation of what that made; 0: nothing is due.</summary>
    public long Generation => _isDue ? _stream!.Generation : 0;

    /// <summary>After <see cref="Make"/>, the same for those who came later. In its place in memory.</summary>
    /// <returns>Empty: there are no keys for them.</returns>
    public ReadOnlySpan<byte> MakeNext(ReadOnlySpan<short> mix, ulong tick) => _isDue && _next is { } next ? Pack(next, resumes: false, mix, tick) : default;

    public void Dispose() => Stop();

    private ReadOnlySpan<byte> Pack(Stream stream, bool resumes, ReadOnlySpan<short> mix, ulong tick)
    {
        var (format, index) = (AudioFormat.Of(AudioCodec.L16), stream.Index++);
        var length = _head.Write(
            _packet, resumes, format.OurPayloadType, (ushort)index, unchecked((uint)(tick * (ulong)format.TicksPerFrame)), stream.Ssrc);
        length += L16.Encode(mix, _packet.AsSpan(length));
        length = stream.Sender.Protect(_packet, length, new PacketIndex(index));
        if (length > 0) Sent++;
        return _packet.AsSpan(0, length);
    }

    private void Move(TimeSpan now)
    {
        if (_next is null) return;
        _moveAt ??= _stream is null ? now : now + MoveDelay;
        if (now < _moveAt) return;
        _stream?.Dispose();
        (_stream, _next, _moveAt) = (_next, null, null);
    }

    /// <summary>Numbers begin anew under each key, low enough that whoever hears it for the first time guesses ROC 0 (RFC 3711 §3.3.1).</summary>
    private sealed class Stream : IDisposable
    {
        private readonly KeyRing _ring;

        public Stream(long generation, Ssrc ssrc, MasterKey key, SecretWriter random)
        {
            (Generation, Ssrc) = (generation, ssrc);
            _ring = new KeyRing(key.Profile);
            _ring.Install(key);
            _ring.Activate(key.Mki);
            Sender = new SrtpSender(_ring);
            Span<byte> drawn = stackalloc byte[2];
            random(drawn);
            Index = (ulong)BinaryPrimitives.ReadUInt16BigEndian(drawn) & Variant.GuessableGap - 1;
        }

        public long Generation { get; }

        public Ssrc Ssrc { get; }

        public SrtpSender Sender { get; }

        /// <summary>Of the next packet.</summary>
        public ulong Index { get; set; }

        public void Dispose() => _ring.Dispose();
    }
}
