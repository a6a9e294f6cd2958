using System.Net;
using ConfCluster.Protocols.Codecs;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Mixing;
using ConfCluster.Protocols.Phone;
using ConfCluster.Protocols.Rtp;
using ConfCluster.Protocols.Srtp;
using Xunit;

namespace ConfCluster.Protocols.Tests.Phone;

/// <summary>
/// A phone that joins others who have sent for long, where nobody mixes: in virtual time one of them sends past 65,536 packets before it comes.
/// </summary>
public sealed class LateJoinerTests : IDisposable
{
    private static readonly MediaAddress Peer = MediaAddress.From(IPAddress.Loopback, 40_000);
    private readonly MasterKey _key = MasterKey.Generate(SrtpProfile.AesCm128HmacSha1Tag80, new Mki(1, 4), new Random(7).NextBytes);
    private readonly PhoneMedia _late;
    private readonly List<byte[]> _onTheWay = [];

    public LateJoinerTests()
    {
        _late = NewPhone(1);
        _late.Use(Media());
    }

    public void Dispose()
    {
        _late.Dispose();
        _key.Dispose();
    }

    [Theory]
    [InlineData(66_000, null)]
    [InlineData(200_000, null)]
    [InlineData(400_000, 0)]
    [InlineData(400_000, -1)]
    [InlineData(400_000, 1)]
    [Trait("RFC", "3711 §3.3.1")]
    public void Two_who_have_spoken_for_long_are_heard_from_their_first_packet_on(int before, int? off)
    {
        using var alice = NewPhone(2);
        using var bob = NewPhone(3);
        alice.Use(Media());
        bob.Use(Media());
        var sink = new Sink(_onTheWay);
        var (tick, silence) = (0, new short[AudioFrame.Samples]);
        for (; tick < before; tick++) alice.Tick(tick * AudioFrame.Duration, silence, new short[AudioFrame.Samples], sink);
        Assert.True(alice.Statistics().PacketsSent >= (ulong)before);
        if (off is { } wrong)
        {
            // As the node that forwards them counts; it may be wrong by one.
            var last = _onTheWay.Last(p => !RtpHeader.LooksLikeRtcp(p));
            Assert.True(RtpHeader.TryRead(last, out var header, out _));
            var roc = (uint)((sink.Rtp - 1 + sink.First) >> 16);
            _late.Tell([new UplinkIndex(header.Ssrc, new PacketIndex((uint)(roc + wrong), header.Sequence).Value)]);
        }

        _onTheWay.Clear();
        for (var end = tick + 100; tick < end; tick++)
        {
            alice.Tick(tick * AudioFrame.Duration, silence, new short[AudioFrame.Samples], sink);
            bob.Tick(tick * AudioFrame.Duration, silence, new short[AudioFrame.Samples], sink);
            foreach (var packet in _onTheWay) _late.Receive(rtcp: false, packet, tick * AudioFrame.Duration);
            _onTheWay.Clear();
        }

        var heard = _late.Statistics();
        Assert.Equal((200ul, 0ul, 2, 2), (heard.PacketsReceived, heard.AuthFailures + heard.Replays, heard.Ssrcs.Length, heard.Sources));
    }

    private static PhoneMedia NewPhone(int seed)
    {
        var random = new Random(seed);
        return new PhoneMedia(new MixerSettings(3, 32, TimeSpan.FromSeconds(5)), random.NextBytes, DateTimeOffset.UnixEpoch);
    }

    /// <summary>All send and receive under one key, as members of a group do.</summary>
    private LegMedia Media() => new(
        new ParticipantId("peer"), 1, Peer, Peer, true, AudioCodec.Pcmu, 0, 101, MediaDirection.SendReceive, 20, [_key.Copy()], _key.Copy());

    private sealed class Sink(List<byte[]> packets) : IMediaSink
    {
        public ulong Rtp { get; private set; }

        /// <summary>SEQ of the first one.</summary>
        public ulong First { get; private set; }

        public void Send(int slot, bool rtcp, ReadOnlySpan<byte> packet, in MediaAddress to)
        {
            if (rtcp || RtpHeader.LooksLikeRtcp(packet)) return;
            if (Rtp++ == 0 && RtpHeader.TryRead(packet, out var header, out _)) First = header.Sequence;
            if (packets.Count > 1000) packets.Clear();
            packets.Add(packet.ToArray());
        }
    }
}
