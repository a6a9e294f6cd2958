using ConfCluster.Protocols.Codecs;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Mixing;
using ConfCluster.Protocols.Rtp;
using ConfCluster.Protocols.Srtp;
using ConfCluster.Protocols.Wire;

namespace ConfCluster.Protocols.Tests.Mixing;

/// <summary>A mixer and phones around it on virtual time: what a phone sends arrives at once, what the mixer sends is opened and kept.</summary>
internal sealed class MixerScene : IMediaSink
{
    public static readonly MixerSettings Settings = new(3, 50, TimeSpan.FromSeconds(5));
    public static readonly DateTimeOffset Origin = new(2026, 11, 23, 12, 0, 0, TimeSpan.Zero);
    private readonly Dictionary<int, MixerPhone> _bySlot = [];
    private long _version;
    private ulong _seed;

    /// <param name="draws">What the mixer draws its first numbers from, if not from the seed.</param>
    public MixerScene(ulong seed = 1, MixerSettings? settings = null, SecretWriter? draws = null)
    {
        _seed = seed;
        Mixer = new ConferenceMixer(settings ?? Settings, draws ?? Fill, Origin);
    }

    public ConferenceMixer Mixer { get; }

    public TimeSpan Now { get; private set; }

    public List<MixerPhone> Phones { get; } = [];

    public List<(int Slot, bool Rtcp, byte[] Packet, MediaAddress To)> Sent { get; } = [];

    /// <summary>What goes to other mixers.</summary>
    public Action<byte[], MediaAddress> ToMixer { get; init; } = (_, _) => throw new InvalidOperationException("there is no other mixer");

    /// <summary>A phone with a leg and media, not yet in the conference.</summary>
    /// <param name="number">Null: the next.</param>
    public MixerPhone Phone(AudioCodec codec = AudioCodec.Pcmu, int packetTime = 20, int? number = null)
    {
        var n = number ?? Phones.Count + 1;
        var phone = new MixerPhone(this, n, codec, packetTime);
        Phones.Add(phone);
        Open(phone);
        return phone;
    }

    public void Open(MixerPhone phone)
    {
        phone.Slot = Mixer.OpenLeg(phone.Id);
        _bySlot[phone.Slot] = phone;
        phone.Renegotiate();
    }

    public MixerPhone[] Conference(int count)
    {
        var phones = Enumerable.Range(0, count).Select(_ => Phone()).ToArray();
        Admit(phones);
        return phones;
    }

    public void Admit(params MixerPhone[] phones) => Mixer.SetState(new MixerState(
        new MixerId(new ConferenceId("100"), 0, 1), new Incarnation(1), ++_version, [.. phones.Select(p => new MixerLeg(p.Id, p.Ssrc))]));

    public void Tick()
    {
        Mixer.Tick(Now, this);
        Now += AudioFrame.Duration;
    }

    public void Send(int slot, bool rtcp, ReadOnlySpan<byte> packet, in MediaAddress to)
    {
        if (slot == ConferenceMixer.TrunkSlot)
        {
            ToMixer(packet.ToArray(), to);
            return;
        }

        Sent.Add((slot, rtcp, packet.ToArray(), to));
        _bySlot[slot].Take(rtcp, packet.ToArray());
    }

    public MasterKey NewKey(Mki mki = default) => MasterKey.Generate(SrtpProfile.AesCm128HmacSha1Tag80, mki, Fill);

    public void Fill(Span<byte> bytes)
    {
        foreach (ref var b in bytes)
        {
            // SplitMix64: another seed, another run; the same seed, the same run.
            var z = _seed += 0x9E3779B97F4A7C15;
            z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9;
            b = (byte)((z ^ z >> 27) * 0x94D049BB133111EB >> 56);
        }
    }
}

/// <summary>The other end of a leg, with SRTP contexts of its own.</summary>
internal sealed class MixerPhone
{
    private readonly MixerScene _scene;
    private readonly SrtpSender _sender;
    private readonly SrtcpSender _rtcpSender;
    private readonly SrtpReceiver _receiver;
    private readonly SrtcpReceiver _rtcpReceiver;
    private KeyRing? _group;
    private SrtpReceiver? _groupReceiver;
    private SrtcpReceiver? _groupRtcpReceiver;
    private MasterKey _uplink;
    private MasterKey _downlink;
    private long _generation;
    private ulong _index = 100;

    public MixerPhone(MixerScene scene, int number, AudioCodec codec, int packetTime)
    {
        (_scene, Codec, PacketTime) = (scene, codec, packetTime);
        Id = new ParticipantId($"p{number}");
        Ssrc = new Ssrc((uint)(0xA000 + number));
        UplinkSsrc = new Ssrc((uint)(0xB000 + number));
        Address = new MediaAddress(0, 0x7F000001, (ushort)(20000 + 2 * number), false);
        (_uplink, _downlink) = (scene.NewKey(), scene.NewKey());
        (_sender, _rtcpSender) = (new SrtpSender(Ring(_uplink)), new SrtcpSender(Ring(_uplink)));
        (_receiver, _rtcpReceiver) = (new SrtpReceiver(Ring(_downlink), 8), new SrtcpReceiver(Ring(_downlink), 8));
    }

    public ParticipantId Id { get; }

    public Ssrc Ssrc { get; set; }

    /// <summary>Of the stream that it has for itself.</summary>
    public Ssrc Own => Ssrc;

    public bool IsIn { get; set; }

    public LegKeyMode Mode { get; set; }

    public uint Epoch { get; set; }

    /// <summary>It was told that group key and opens what names it.</summary>
    public void Hold(GroupKey key)
    {
        _group ??= new KeyRing(_downlink.Profile);
        _group.Install(key.For(_downlink.Profile)!.Copy());
        _groupReceiver ??= new SrtpReceiver(_group, 8);
        _groupRtcpReceiver ??= new SrtcpReceiver(_group, 8);
    }

    /// <summary>It was told that group key without its MKI.</summary>
    public void HoldPlain(GroupKey key)
    {
        using var known = key.For(_downlink.Profile)!.Copy();
        var ring = Ring(new MasterKey(known.Profile, known.KeyAndSalt.Copy(), Mki.None));
        (_group, _groupReceiver, _groupRtcpReceiver) = (ring, new SrtpReceiver(ring, 8), new SrtcpReceiver(ring, 8));
    }

    public Ssrc UplinkSsrc { get; set; }

    /// <summary>What the conference registered for it; 0: nothing.</summary>
    public Ssrc Registered { get; set; }

    public AudioCodec Codec { get; set; }

    public int PacketTime { get; }

    public MediaAddress Address { get; set; }

    public int Slot { get; set; }

    public byte PayloadType => Codec == AudioCodec.Pcmu ? (byte)0 : (byte)8;

    public MediaDirection Direction { get; set; } = MediaDirection.SendReceive;

    public bool Mux { get; set; } = true;

    public ExtensionIds Extensions { get; set; }

    public ulong NextIndex { get => _index; set => _index = value; }

    public List<(RtpHeader Header, byte[] Codes)> Heard { get; } = [];

    /// <summary>The same with their headers.</summary>
    public List<byte[]> Packets { get; } = [];

    public List<byte[]> Rtcp { get; } = [];

    public int Unreadable { get; private set; }

    public LegStatistics Statistics => _scene.Mixer.Statistics(Slot);

    /// <summary>The media as the next offer and answer would settle it.</summary>
    public LegMedia Media() => new(
        Id, ++_generation, Address, Mux ? Address : Address.WithPort(Address.Port + 1), Mux, Codec, PayloadType, 101, Direction, PacketTime,
        [_uplink.Copy()], _downlink.Copy())
    {
        Extensions = Extensions,
    };

    public void Renegotiate() => _scene.Mixer.SetLeg(Media());

    /// <summary>New keys in both directions; ROC and sequence of the phone go on.</summary>
    public void Rekey(Mki uplink = default)
    {
        (_uplink, _downlink) = (_scene.NewKey(uplink), _scene.NewKey());
        _sender.Use(Ring(_uplink));
        _rtcpSender.Use(Ring(_uplink));
        _receiver.Use(Ring(_downlink));
        _rtcpReceiver.Use(Ring(_downlink));
        Renegotiate();
    }

    public void Say(byte[] codes) => _scene.Mixer.Receive(Slot, false, Packet(codes), Address, _scene.Now);

    /// <summary>Says how loud it is, too, as far as that is agreed on.</summary>
    public void Say(byte[] codes, AudioLevel level) => _scene.Mixer.Receive(Slot, false, Packet(codes, level), Address, _scene.Now);

    public byte[] Packet(byte[] codes, AudioLevel level)
    {
        var header = RtpHeader.FixedLength + HeaderExtensions.LengthOf(1);
        var buffer = new byte[header + codes.Length + _sender.Overhead];
        RtpHeader.Write(buffer, false, PayloadType, (ushort)_index, (uint)(_index * 160), UplinkSsrc);
        HeaderExtensions.Append(buffer, RtpHeader.FixedLength, Extensions.AudioLevel, [level.Octet]);
        codes.CopyTo(buffer, header);
        _sender.Protect(buffer, header + codes.Length, new PacketIndex(_index++));
        return buffer;
    }

    public byte[] Packet(byte[] codes, byte? payloadType = null, uint? timestamp = null) => Packet(codes, _sender, payloadType, timestamp);

    /// <summary>Under another key than its own.</summary>
    public byte[] Packet(byte[] codes, SrtpSender sender, byte? payloadType = null, uint? timestamp = null)
    {
        var buffer = new byte[RtpHeader.FixedLength + codes.Length + sender.Overhead];
        RtpHeader.Write(buffer, false, payloadType ?? PayloadType, (ushort)_index, timestamp ?? (uint)(_index * 160), UplinkSsrc);
        codes.CopyTo(buffer, RtpHeader.FixedLength);
        sender.Protect(buffer, RtpHeader.FixedLength + codes.Length, new PacketIndex(_index++));
        return buffer;
    }

    public byte[] ProtectRtcp(byte[] compound)
    {
        var buffer = new byte[compound.Length + 14];
        compound.CopyTo(buffer, 0);
        return buffer[.._rtcpSender.Protect(buffer, compound.Length)];
    }

    public void Take(bool rtcp, byte[] packet)
    {
        if (rtcp || RtpHeader.LooksLikeRtcp(packet))
        {
            if ((_groupRtcpReceiver ?? _rtcpReceiver).Unprotect(packet, out var size) == UnprotectError.None) Rtcp.Add(packet[..size]);
            else Unreadable++;
        }
        else if ((_groupReceiver ?? _receiver).Unprotect(packet, out var header, out var length) == UnprotectError.None)
        {
            Heard.Add((header, packet[header.Length..length]));
            Packets.Add(packet[..length]);
        }
        else
        {
            Unreadable++;
        }
    }

    private static KeyRing Ring(MasterKey key)
    {
        var ring = new KeyRing(key.Profile);
        ring.Install(key.Copy());
        ring.Activate(key.Mki);
        return ring;
    }
}
