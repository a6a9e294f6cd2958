using ConfCluster.Protocols.Rtp;
using ConfCluster.Protocols.Srtp;

namespace ConfCluster.Protocols.Mixing;

/// <summary>
/// A stream that legs share: the whole mix in one format and suite, with an SSRC and a sequence of its own. Encoded once per frame, protected once
/// per group key in use, whatever the number of legs. It gets a new SSRC when somebody would begin to receive it at an index that he cannot guess.
/// </summary>
internal sealed class Variant(StreamFormat format, SrtpProfile suite, Packetizer packets) : IDisposable
{
    /// <summary>RFC 3711 §3.3.1: whoever begins to receive below it guesses ROC 0.</summary>
    public const ulong GuessableIndex = 1UL << 15;

    /// <summary>Whoever missed no more than this still guesses the ROC; and a new SSRC comes at most once in so many packets.</summary>
    public const ulong GuessableGap = 1UL << 14;

    private const int MaxPacket = 640;
    private readonly byte[] _plain = new byte[MaxPacket];
    private readonly List<Sealed> _sealed = [];
    private int _length;
    private ulong _index;
    private int _used;
    private bool _wantsSsrc;

    public StreamFormat Format => format;

    public SrtpProfile Suite => suite;

    public Packetizer Packets => packets;

    /// <summary>The tick for which the packet stands here.</summary>
    public ulong Tick { get; private set; }

    /// <summary>Of the packet of this tick.</summary>
    public ulong Index => _index;

    public ulong Encodes { get; private set; }

    public ulong Encrypts { get; private set; }

    public ulong Sends { get; set; }

    /// <summary>Somebody waits for an index that he can guess.</summary>
    public void WantSsrc() => _wantsSsrc = true;

    /// <summary>Whether the next packet is to be the first of a new SSRC.</summary>
    public bool IsDueForSsrc => !packets.HasSsrc || _wantsSsrc && packets.Packets >= GuessableGap;

    public void Renew(Ssrc ssrc)
    {
        packets.Use(ssrc, indexBits: 14);
        _wantsSsrc = false;
    }

    /// <summary>The frame of a tick; the first who asks for it makes it.</summary>
    public void Make(ulong tick, ReadOnlySpan<short> mix, Contributors contributors, uint clock, Span<byte> codes)
    {
        (Tick, _used) = (tick, 0);
        var length = packets.Encode(mix, codes);
        Encodes++;
        packets.Head.Mixed(contributors, except: -1, format.Extensions.MixedLevels);
        _length = packets.Pack(codes[..length], clock, _plain, out _index);
    }

    /// <returns>The protected packet of this tick; empty: none is due, or the key is used up.</returns>
    public ReadOnlySpan<byte> For(GroupProtector protector, bool plain)
    {
        if (_length == 0) return default;
        var made = Find(protector) ?? Seal(protector);
        return made.Of(plain);
    }

    public void Dispose() => packets.Dispose();

    private Sealed? Find(GroupProtector protector)
    {
        for (var i = 0; i < _used; i++)
            if (ReferenceEquals(_sealed[i].By, protector))
                return _sealed[i];
        return null;
    }

    private Sealed Seal(GroupProtector protector)
    {
        if (_used == _sealed.Count) _sealed.Add(new Sealed());
        var next = _sealed[_used++];
        next.Make(protector, _plain.AsSpan(0, _length), _index);
        Encrypts++;
        return next;
    }

    /// <summary>One packet under one key, in a buffer of its own.</summary>
    private sealed class Sealed
    {
        private readonly byte[] _packet = new byte[MaxPacket];
        private readonly byte[] _withoutMki = new byte[MaxPacket];
        private int _length;
        private int _plainLength;

        public GroupProtector? By { get; private set; }

        public void Make(GroupProtector protector, ReadOnlySpan<byte> packet, ulong index)
        {
            By = protector;
            packet.CopyTo(_packet);
            (_length, _plainLength) = (protector.Protect(_packet, packet.Length, index), 0);
        }

        public ReadOnlySpan<byte> Of(bool plain)
        {
            if (!plain || _length == 0) return _packet.AsSpan(0, _length);
            if (_plainLength == 0) _plainLength = By!.WithoutMki(_packet.AsSpan(0, _length), rtcp: false, _withoutMki);
            return _withoutMki.AsSpan(0, _plainLength);
        }
    }
}
