using System.Collections.Immutable;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Keys.Rekeying;
using ConfCluster.Protocols.Rtp;
using CsCheck;
using Xunit;
using static ConfCluster.Protocols.Tests.Conference.ConferenceScene;

namespace ConfCluster.Protocols.Tests.Conference;

/// <summary>
/// K6 where phones send under the group's key: the key is the same for all, so nothing but the SSRC keeps two packets of two legs apart. Whoever is let in counts
/// its packets from zero, as a phone that was started again does, and every name comes from a space so small that names meet all the time.
/// </summary>
public class GroupUplinkProperties
{
    private const int Names = 24;

    private static readonly GroupKeyPolicy Shared = new(true, RekeyPolicy.Default) { Uplink = UplinkKeying.Group };

    private static readonly Gen<(int Step, int N)[]> Lives = Gen.Select(Gen.Int[0, 9], Gen.Int[0, 1023]).Array[1, 60];

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [Trait("RFC", "3711 §9.1")]
    public void No_two_packets_are_under_one_key_with_one_SSRC_and_index(bool restarts) => Lives.Sample(
        life =>
        {
            var world = new World(restarts);
            foreach (var (step, n) in life) world.Do(step, n);
        },
        iter: 10_000);

    [Fact]
    public void An_SSRC_that_somebody_has_or_had_is_refused_and_nothing_is_stored()
    {
        var scene = new ConferenceScene { Keys = Shared };
        var state = scene.After(Ticket(Alice, 500));
        Assert.Equal(Rejection.SsrcTaken, scene.Rejected(state, Ticket(Bob, 500)));
        Assert.Equal(Rejection.SsrcTaken, scene.Rejected(state, Ticket(Bob, state.Participants[Alice].Ssrc.Value)));
        state = scene.After(Ticket(Alice, 500), Ticket(Bob, 501), Leave(Alice));
        Assert.Equal(Rejection.SsrcTaken, scene.Rejected(state, Ticket(Carol, 500)));
    }

    [Theory]
    [InlineData(UplinkKeying.Group, 500u, LegKeying.GroupBothWays)]
    [InlineData(UplinkKeying.Group, 0u, LegKeying.GroupByMki)]
    [InlineData(UplinkKeying.Individual, 500u, LegKeying.GroupByMki)]
    public void Only_who_named_its_SSRC_shares_its_uplink_and_only_by_policy(UplinkKeying policy, uint ssrc, LegKeying keying)
    {
        var scene = new ConferenceScene { Keys = Shared with { Uplink = policy } };
        var joined = scene.Accepted(ConferenceState.New(Room), Ticket(Alice, ssrc)).OfType<ConferenceEvent.ParticipantJoined>().Single();
        Assert.Equal((keying, keying == LegKeying.GroupBothWays ? new Ssrc(ssrc) : default), (joined.Keying, joined.Uplink));
    }

    private static ConferenceCommand.Join Ticket(ParticipantId participant, uint ssrc) =>
        Join(participant) with { Ability = new LegAbility(TakesMki: true, IsProtected: true, "") { TicketSsrc = ssrc } };

    private sealed class World
    {
        private readonly Dictionary<(uint Epoch, Ssrc Ssrc), ulong> _next = [];
        private readonly HashSet<(uint Epoch, Ssrc Ssrc, ulong Index)> _seen = [];
        private readonly ConferenceScene _scene;
        private readonly bool _restarts;
        private ConferenceState _state = ConferenceState.New(Room);
        private uint _draw;
        private uint _epoch = 1;
        private int _phones;

        public World(bool restarts)
        {
            _restarts = restarts;
            // The mixer's SSRCs come from the same names until those are used up.
            _scene = new ConferenceScene { Keys = Shared, MaxParticipants = 8, NewSsrc = () => new Ssrc(++_draw > Names ? 1000 + _draw : _draw * 7 % Names + 1) };
        }

        public void Do(int step, int n)
        {
            var present = _state.Members();
            switch (step)
            {
                case 0 or 1 or 2: Try(Ticket(new ParticipantId($"p{++_phones}"), (uint)(n % Names) + 1)); break;
                case 3 when present.Length > 0: Try(Leave(present[n % present.Length].Participant)); break;
                case 4: _epoch++; break;
                case 5 when _state.IsActive: Try(new ConferenceCommand.PlaceMixer()); break;
                case 6 when _state.IsActive: Try(new ConferenceCommand.ReserveSsrcs()); break;
                default: Speak(present, n); break;
            }
        }

        private void Try(ConferenceCommand command)
        {
            if (ConferenceDecider.Decide(_state, command, _scene.Decision) is not Decision.Accepted accepted) return;
            _state = _state.Apply(accepted.Events);
            // Another mixer begins anew, and so does every phone.
            var fresh = accepted.Events.SelectMany(e => Given(e)).ToList();
            if (!_restarts) return;
            foreach (var ssrc in fresh) foreach (var key in _next.Keys.Where(k => k.Ssrc == ssrc).ToList()) _next[key] = 0;
        }

        private static ImmutableArray<Ssrc> Given(ConferenceEvent happened) => happened switch
        {
            ConferenceEvent.ParticipantJoined e => [e.Ssrc, e.Uplink],
            ConferenceEvent.ParticipantMoved e => [e.Ssrc],
            ConferenceEvent.MixerPlaced e => [.. e.Ssrcs.Select(s => s.Ssrc)],
            ConferenceEvent.SsrcsReserved e => e.Ssrcs,
            _ => [],
        };

        /// <summary>Phones, their streams of their own, and those that are shared.</summary>
        private void Speak(ImmutableArray<Member> present, int n)
        {
            var sources = present.SelectMany(m => (Ssrc[])[m.Uplink, m.Ssrc]).Concat(_state.SharedSsrcs).ToList();
            Assert.Equal(sources.Count, sources.Distinct().Count());
            for (var i = 0; i < sources.Count; i++)
            {
                if ((n >> i % 10 & 1) == 0) continue;
                var key = (_epoch, sources[i]);
                var index = _next.GetValueOrDefault(key);
                Assert.True(_seen.Add((_epoch, sources[i], index)), $"index {index} of {sources[i]} twice under epoch {_epoch}");
                _next[key] = index + 1;
            }
        }
    }
}
