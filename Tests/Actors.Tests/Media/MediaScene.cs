using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using ConfCluster.Actors.Media;
using ConfCluster.Actors.Settings;
using ConfCluster.Protocols.Codecs;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Focus;
using ConfCluster.Protocols.Mixing;
using ConfCluster.Protocols.Rtp;
using ConfCluster.Protocols.Sip.Dialogs;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Srtp;

namespace ConfCluster.Actors.Tests.Media;

internal static class MediaScene
{
    public static readonly MixerId Mixer = new(new ConferenceId("100"), 0, 1);

    public static MediaSettings Settings(int min = 25000, int max = 25999) => new(
        IPAddress.Loopback, null, min, max, 1, 100, new MixerSettings(3, 50, TimeSpan.FromSeconds(5)), TimeSpan.FromMilliseconds(100),
        TimeSpan.FromSeconds(40));

    public static LaneOptions Options(MediaSettings settings, bool linux) => new(
        settings, MediaHome.Of(settings, TimeProvider.System), new SocketBudget(int.MaxValue), TimeProvider.System,
        () => linux && OperatingSystem.IsLinux() ? new LinuxMediaSockets(settings.Sockets) : new ManagedMediaSockets(settings.Sockets), LaneClock.ForThisSystem);

    public static MixerState State(long version, params UdpPhone[] phones) => State(1, version, phones);

    public static MixerState State(long incarnation, long version, params UdpPhone[] phones) =>
        new(Mixer, new Incarnation(incarnation), version, [.. phones.Select(p => new MixerLeg(p.Id, p.Ssrc))]);
}

/// <summary>A phone on a real loopback socket with SRTP of its own: says one code, hears what comes.</summary>
internal sealed class UdpPhone : IDisposable
{
    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp) { ReceiveTimeout = 5000 };
    private readonly MasterKey _uplink = NewKey();
    private readonly MasterKey _downlink = NewKey();
    private readonly SrtpSender _sender;
    private readonly SrtpReceiver _receiver;
    private readonly byte[] _buffer = new byte[2048];

    public UdpPhone(string name, uint ssrc)
    {
        (Id, Ssrc) = (new ParticipantId(name), new Ssrc(ssrc));
        _socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        (_sender, _receiver) = (new SrtpSender(Ring(_uplink)), new SrtpReceiver(Ring(_downlink), 4));
    }

    public ParticipantId Id { get; }

    public Ssrc Ssrc { get; }

    /// <summary>Of its next packet.</summary>
    public ulong Index { get; set; } = 1;

    /// <summary>Of what it sends.</summary>
    public Ssrc Source => new(Ssrc.Value + 1);

    public LegMedia Media(long generation = 1)
    {
        var address = MediaAddress.From((IPEndPoint)_socket.LocalEndPoint!);
        return new LegMedia(
            Id, generation, address, address, true, AudioCodec.Pcmu, 0, null, MediaDirection.SendReceive, 20, [_uplink.Copy()], _downlink.Copy());
    }

    /// <summary>As its participant would leave it at the mixer.</summary>
    public LegRecord Record(long generation) => new(
        new LegPlace(MediaScene.Mixer, default, default), Media(generation), new SdpBody(new SipBody([1, 2, 3])), "",
        new DialogFacts("c1", "", "", null, null, "", [], false),
        new SipFlow(SipTransport.Udp, new IPEndPoint(IPAddress.Loopback, 5060), new IPEndPoint(IPAddress.Loopback, 5080)));

    public void Say(byte code, MediaAddress to)
    {
        RtpHeader.Write(_buffer, false, 0, (ushort)Index, (uint)(Index * 160), Source);
        _buffer.AsSpan(RtpHeader.FixedLength, 160).Fill(code);
        var length = _sender.Protect(_buffer, RtpHeader.FixedLength + 160, new PacketIndex(Index++));
        _socket.SendTo(_buffer.AsSpan(0, length), SocketFlags.None, to.ToEndPoint());
    }

    /// <summary>Waits for the next RTP packet and returns its first code.</summary>
    public byte Hear()
    {
        while (true)
        {
            var length = _socket.Receive(_buffer);
            if (RtpHeader.LooksLikeRtcp(_buffer)) continue;
            Assert(_receiver.Unprotect(_buffer.AsSpan(0, length), out var header, out _) == UnprotectError.None);
            return _buffer[header.Length];
        }
    }

    public void Dispose() => _socket.Dispose();

    private static void Assert(bool condition) => Xunit.Assert.True(condition, "an unreadable packet came");

    private static MasterKey NewKey() => MasterKey.Generate(SrtpProfile.AesCm128HmacSha1Tag80, default, RandomNumberGenerator.Fill);

    private static KeyRing Ring(MasterKey key)
    {
        var ring = new KeyRing(key.Profile);
        ring.Install(key.Copy());
        ring.Activate(key.Mki);
        return ring;
    }
}
