using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Mixing;
using ConfCluster.Protocols.Rtp;
using ConfCluster.Protocols.Srtp;
using Xunit;

namespace ConfCluster.Protocols.Tests.Mixing;

/// <summary>Packets that are forwarded unopened: what is admitted, to whom it goes, and that nothing in it is changed.</summary>
public sealed class ForwarderTests : IMediaSink
{
    private const byte LevelId = 1;
    private static readonly SrtpProfile Suite = SrtpProfile.AesCm128HmacSha1Tag80;
    private readonly List<(int Slot, bool Rtcp, byte[] Packet, MediaAddress To)> _sent = [];
    private readonly Forwarder _forwarder;
    private TimeSpan _now;
    private ushort _sequence;
    private long _version;

    public ForwarderTests()
    {
        _forwarder = new Forwarder(MixerScene.Settings with { MaxTalkers = 2 });
        for (var slot = 0; slot < 4; slot++) _forwarder.SetLeg(slot, Leg(slot));
        Admit(1, 1, 1, 1);
    }

    void IMediaSink.Send(int slot, bool rtcp, ReadOnlySpan<byte> packet, in MediaAddress to) => _sent.Add((slot, rtcp, packet.ToArray(), to));

    [Fact]
    [Trait("RFC", "3711 §3.1")]
    public void A_packet_goes_to_all_others_as_it_came()
    {
        var packet = Rtp(0, 1);
        Assert.Equal(ForwardVerdict.Forwarded, Receive(0, packet));
        Assert.Equal([1, 2, 3], _sent.Select(s => s.Slot));
        Assert.All(_sent, s => Assert.True(s.Packet.AsSpan().SequenceEqual(packet) && s.To == Home(s.Slot) && !s.Rtcp));
        Assert.Equal((1ul, 0ul), (_forwarder.Statistics(0)!.Value.PacketsReceived, _forwarder.Statistics(0)!.Value.PacketsSent));
        Assert.Equal(1ul, _forwarder.Statistics(3)!.Value.PacketsSent);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void RTCP_goes_to_all_others_too_on_the_port_that_each_has_for_it(bool mux)
    {
        _forwarder.SetLeg(1, Leg(1, generation: 2, mux: mux));
        var packet = Rtcp(0, 1);
        Assert.Equal(ForwardVerdict.Forwarded, Receive(0, packet, rtcp: true));
        Assert.Equal([1, 2, 3], _sent.Select(s => s.Slot));
        Assert.Equal((!mux, mux ? Home(1) : Home(1).WithPort(Home(1).Port + 1)), (_sent[0].Rtcp, _sent[0].To));
        Assert.All(_sent, s => Assert.True(s.Packet.AsSpan().SequenceEqual(packet)));
    }

    [Fact]
    public void What_is_not_admitted_goes_to_nobody_and_is_counted_by_its_kind()
    {
        Assert.Equal(ForwardVerdict.Elsewhere, Receive(0, Rtp(0, 1), from: Home(1)));
        Assert.Equal(ForwardVerdict.OtherSource, Receive(0, Rtp(1, 1)));
        Assert.Equal(ForwardVerdict.OtherKey, Receive(0, Rtp(0, 0)));
        Assert.Equal(ForwardVerdict.OtherKey, Receive(0, Rtp(0, 1u << 30 | 1)));
        Assert.Equal(ForwardVerdict.OtherPayload, Receive(0, Rtp(0, 1, payload: 9)));
        Assert.Equal(ForwardVerdict.Malformed, Receive(0, Rtp(0, 1)[..20]));
        Assert.Equal(ForwardVerdict.Malformed, Receive(0, [1, 2, 3]));
        Assert.Equal(ForwardVerdict.OtherSource, Receive(0, Rtcp(1, 1), rtcp: true));
        _forwarder.SetLeg(0, Leg(0, generation: 2, direction: MediaDirection.SendOnly));
        Assert.Equal(ForwardVerdict.OnHold, Receive(0, Rtp(0, 1)));
        Assert.Empty(_sent);
        foreach (var (verdict, count) in new[]
        {
            (ForwardVerdict.Elsewhere, 1ul), (ForwardVerdict.OtherSource, 2ul), (ForwardVerdict.OtherKey, 2ul), (ForwardVerdict.OtherPayload, 1ul),
            (ForwardVerdict.Malformed, 2ul), (ForwardVerdict.OnHold, 1ul), (ForwardVerdict.Forwarded, 0ul),
        })
            Assert.Equal(count, _forwarder.Count(0, verdict));
    }

    [Fact]
    [Trait("RFC", "3711 §3.3.1")]
    public void How_far_a_source_is_can_be_told_also_when_it_has_sent_past_65_536_packets()
    {
        Assert.Empty(_forwarder.TakeNews(0, all: true));
        _sequence = 40_000;
        Receive(0, Rtp(0, 1));
        Assert.Equal(new UplinkIndex(Source(0), 40_001), Assert.Single(_forwarder.TakeNews(0, all: false)));
        Assert.Empty(_forwarder.TakeNews(0, all: false));
        // Whatever key it sends under, and whoever claims another source or another address.
        for (var n = 1; n <= 100_000; n++) Receive(0, Rtp(0, n < 50_000 ? 1u : 1u << 30));
        Receive(0, Rtp(1, 1));
        Receive(0, Rtp(0, 1), from: Home(1));
        Assert.Equal(new UplinkIndex(Source(0), 140_001), Assert.Single(_forwarder.TakeNews(0, all: false)));
        // A straggler does not turn it back, nor does a wrap between two reports stay untold.
        _sequence = unchecked((ushort)(140_001 - 50));
        Receive(0, Rtp(0, 1));
        Assert.Equal(new UplinkIndex(Source(0), 140_001), Assert.Single(_forwarder.TakeNews(0, all: true)));
        Assert.Empty(_forwarder.TakeNews(1, all: true));
    }

    [Fact]
    public void Whoever_takes_over_counts_on_from_where_the_other_was()
    {
        var from = new PacketIndex(7, 65_500);
        var next = new Forwarder(MixerScene.Settings);
        next.SetLeg(0, Leg(0));
        var state = new MixerState(new MixerId(new ConferenceId("100"), 0, 2), new Incarnation(1), 1,
        [
            new MixerLeg(new ParticipantId("p0"), new Ssrc(0xA000), new LegKeyUse(LegKeyMode.ByMki, new KeyEpoch(1))) { Uplink = Source(0) },
        ])
        {
            ForwardsFrom = new KeyEpoch(1),
            Resumes = [new LegUplinks(new ParticipantId("p0"), [new UplinkIndex(Source(0), from.Value)])],
        };
        next.SetState(state, _ => 0);
        _sequence = 100;
        next.Receive(0, rtcp: false, Rtp(0, 1), Home(0), _now, this);
        Assert.Equal(new UplinkIndex(Source(0), new PacketIndex(8, 101).Value), Assert.Single(next.TakeNews(0, all: true)));
        // The state comes again with what is old by now.
        next.SetState(state, _ => 0);
        Assert.Equal(new UplinkIndex(Source(0), new PacketIndex(8, 101).Value), Assert.Single(next.TakeNews(0, all: true)));
    }

    [Fact]
    public void Nobody_is_forwarded_what_it_has_no_key_of()
    {
        Admit(1, 3, null, 1);
        Receive(0, Rtp(0, 2));
        Assert.Equal([3], _sent.Select(s => s.Slot));
        _sent.Clear();
        Receive(0, Rtp(0, 3));
        Assert.Equal([1, 3], _sent.Select(s => s.Slot));
        _sent.Clear();
        // Who has no key is not heard either.
        Assert.Null(Receive(2, Rtp(2, 3)));
        Assert.Equal((0, 1ul), (_sent.Count, _forwarder.Unexpected));
    }

    [Fact]
    public void What_is_under_a_key_that_is_too_old_is_forwarded_to_nobody()
    {
        AdmitFrom(2, 1, 1, 1, 1);
        Assert.Equal(ForwardVerdict.OtherKey, Receive(0, Rtp(0, 1)));
        Assert.Equal(ForwardVerdict.Forwarded, Receive(0, Rtp(0, 2)));
    }

    [Fact]
    public void Who_is_not_in_the_newest_state_neither_sends_nor_is_sent_anything()
    {
        Admit(1, 1, 1);
        Assert.Null(Receive(3, Rtp(3, 1)));
        Receive(0, Rtp(0, 1));
        Assert.Equal([1, 2], _sent.Select(s => s.Slot));
    }

    [Fact]
    public void Nothing_goes_to_who_has_not_acknowledged_our_answer()
    {
        _forwarder.SetLeg(1, Leg(1, generation: 2) with { IsConfirmed = false });
        Receive(0, Rtp(0, 1));
        Assert.Equal([2, 3], _sent.Select(s => s.Slot));
    }

    [Fact]
    [Trait("RFC", "6464 §3")]
    public void Of_three_who_speak_the_two_loudest_are_forwarded()
    {
        foreach (var _ in Enumerable.Range(0, 50))
        {
            Receive(0, Rtp(0, 1, level: 40));
            Receive(1, Rtp(1, 1, level: 20));
            Receive(2, Rtp(2, 1, level: 10));
            _now += TimeSpan.FromMilliseconds(20);
        }

        Assert.True(_forwarder.Count(0, ForwardVerdict.NotChosen) > 45, $"{_forwarder.Count(0, ForwardVerdict.NotChosen)}");
        Assert.Equal(50ul, _forwarder.Count(1, ForwardVerdict.Forwarded));
        Assert.True(_forwarder.Count(2, ForwardVerdict.Forwarded) >= 49);
    }

    [Fact]
    public void Without_levels_who_came_first_keeps_its_place_until_it_pauses()
    {
        foreach (var slot in (int[])[0, 1, 2]) Receive(slot, Rtp(slot, 1));
        Assert.Equal(1ul, _forwarder.Count(2, ForwardVerdict.NotChosen));
        _now += MixerScene.Settings.TalkerHold + TimeSpan.FromMilliseconds(20);
        Receive(1, Rtp(1, 1));
        Assert.Equal(ForwardVerdict.Forwarded, Receive(2, Rtp(2, 1)));
        Assert.Equal(ForwardVerdict.NotChosen, Receive(0, Rtp(0, 1)));
    }

    [Fact]
    public void Whoever_is_silent_takes_no_place_from_who_speaks()
    {
        Receive(0, Rtp(0, 1, level: 30));
        Receive(1, Rtp(1, 1, level: 127));
        Assert.Equal(ForwardVerdict.NotChosen, Receive(2, Rtp(2, 1, level: 127)));
        Assert.Equal(ForwardVerdict.Forwarded, Receive(2, Rtp(2, 1, level: 50)));
    }

    private static MediaAddress Home(int slot) => new(0, 0x7F000001, (ushort)(20000 + 2 * slot), false);

    private static ForwardedLeg Leg(int slot, long generation = 1, bool mux = false, MediaDirection? direction = null) => new(
        new ParticipantId($"p{slot}"), generation, Home(slot), mux ? Home(slot) : Home(slot).WithPort(Home(slot).Port + 1), mux,
        direction ?? MediaDirection.SendReceive, 0, Suite)
    {
        AudioLevel = LevelId,
    };

    private void Admit(params uint?[] since) => AdmitFrom(1, since);

    private void AdmitFrom(uint from, params uint?[] since) => _forwarder.SetState(
        new MixerState(new MixerId(new ConferenceId("100"), 0, 1), new Incarnation(1), ++_version,
        [
            .. since.Select((epoch, slot) => new MixerLeg(
                new ParticipantId($"p{slot}"), new Ssrc((uint)(0xA000 + slot)), epoch is { } e ? new LegKeyUse(LegKeyMode.ByMki, new KeyEpoch(e)) : new LegKeyUse(LegKeyMode.None))
            {
                Uplink = Source(slot),
            }),
        ])
        {
            ForwardsFrom = new KeyEpoch(from),
        },
        p => int.Parse(p.Value[1..], System.Globalization.CultureInfo.InvariantCulture));

    private ForwardVerdict? Receive(int slot, byte[] packet, bool rtcp = false, MediaAddress? from = null) =>
        _forwarder.Receive(slot, rtcp, packet, from ?? (rtcp ? Home(slot).WithPort(Home(slot).Port + 1) : Home(slot)), _now, this);

    private static Ssrc Source(int slot) => new((uint)(0xB000 + slot));

    /// <summary>Protected octets are any: nobody here can tell.</summary>
    private byte[] Rtp(int source, uint mki, byte payload = 0, byte? level = null)
    {
        var header = RtpHeader.FixedLength + (level is null ? 0 : HeaderExtensions.LengthOf(1));
        var packet = new byte[header + 160 + GroupKey.MkiLength + Suite.RtpTagLength];
        RtpHeader.Write(packet, false, payload, ++_sequence, 0, Source(source));
        if (level is { } told) HeaderExtensions.Append(packet, RtpHeader.FixedLength, LevelId, [told]);
        System.Buffers.Binary.BinaryPrimitives.WriteUInt32BigEndian(packet.AsSpan(header + 160), mki);
        return packet;
    }

    private static byte[] Rtcp(int source, uint mki)
    {
        var packet = new byte[28 + 4 + GroupKey.MkiLength + Suite.RtcpTagLength];
        (packet[0], packet[1], packet[3]) = (0x80, 200, 6);
        System.Buffers.Binary.BinaryPrimitives.WriteUInt32BigEndian(packet.AsSpan(4), Source(source).Value);
        System.Buffers.Binary.BinaryPrimitives.WriteUInt32BigEndian(packet.AsSpan(32), mki);
        return packet;
    }
}
