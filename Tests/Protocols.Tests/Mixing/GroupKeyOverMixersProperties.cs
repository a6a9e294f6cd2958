using System.Buffers.Binary;
using ConfCluster.Protocols.Codecs;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Mixing;
using ConfCluster.Protocols.Rtp;
using ConfCluster.Protocols.Srtp;
using ConfCluster.Protocols.Tests.Conference;
using CsCheck;
using Xunit;

namespace ConfCluster.Protocols.Tests.Mixing;

/// <summary>
/// K6 over several mixers: one group key protects what all of them send, also mixers that were replaced and do not know it. Facts are the conference's own, and every
/// packet that any mixer sends is looked at.
/// </summary>
public sealed class GroupKeyOverMixersProperties
{
    private const int MkiAndTag = 14;
    private static readonly ParticipantId[] People = [.. Enumerable.Range(1, 7).Select(i => new ParticipantId($"p{i}"))];
    private static readonly byte[] Voice = [.. Enumerable.Range(0, 160).Select(i => G711.Encode(AudioCodec.Pcmu, (short)(8000 * Math.Sin(i * 0.3))))];

    [Fact]
    public void No_two_packets_under_one_group_key_have_one_SSRC_and_index() =>
        Gen.Select(Gen.Int[0, 9], Gen.Int[0, People.Length - 1]).Array[5, 60].Sample(schedule =>
        {
            var world = new World();
            foreach (var (kind, who) in schedule) world.Do(kind, People[who]);
            world.Check();
        }, iter: 60);

    private sealed class World
    {
        private readonly ConferenceScene _scene = new()
        {
            MaxParticipants = 9,
            LegsPerMixer = 2,
            Keys = new GroupKeyPolicy(true, Protocols.Keys.Rekeying.RekeyPolicy.Default),
        };
        private readonly Dictionary<MixerId, MixerScene> _mixers = [];
        private readonly Dictionary<MixerId, MixerPhone[]> _phones = [];
        private readonly List<GroupKey> _keys = [];
        private readonly MixerScene _random = new(seed: 9);
        private ConferenceState _state = ConferenceState.New(ConferenceScene.Room);
        private long _version;

        public World() => NewKey();

        private uint Epoch => _keys[^1].Epoch.Number;

        public void Do(int kind, ParticipantId who)
        {
            switch (kind)
            {
                case <= 3: Decide(ConferenceScene.Join(who)); break;
                case 4: Decide(ConferenceScene.Leave(who)); break;
                case 5 when _state.IsActive: Decide(new ConferenceCommand.PlaceMixer(_state.MixerOf(who.Value[1] % _state.Mixers.Count), MixerLoss.Silent)); break;
                case 6 when _state.IsActive: Decide(new ConferenceCommand.ReserveSsrcs(who.Value[1] % _state.Mixers.Count)); break;
                case 7: NewKey(); break;
                default: break;
            }

            Run(kind == 9 ? 12 : 4);
        }

        /// <summary>A packet that several legs share is sent to each of them, and is the same then.</summary>
        public void Check()
        {
            var seen = new Dictionary<(bool Rtcp, uint Mki, uint Ssrc, uint Index), byte[]>();
            foreach (var (_, _, packet, _) in _mixers.Values.SelectMany(m => m.Sent))
            {
                var isRtcp = RtpHeader.LooksLikeRtcp(packet);
                var mki = BinaryPrimitives.ReadUInt32BigEndian(packet.AsSpan(packet.Length - MkiAndTag));
                if (!_keys.Any(k => k.Epoch.Number == mki)) continue;
                var ssrc = BinaryPrimitives.ReadUInt32BigEndian(packet.AsSpan(isRtcp ? 4 : 8));
                var index = isRtcp
                    ? BinaryPrimitives.ReadUInt32BigEndian(packet.AsSpan(packet.Length - MkiAndTag - 4))
                    : BinaryPrimitives.ReadUInt16BigEndian(packet.AsSpan(2));
                if (!seen.TryAdd((isRtcp, mki, ssrc, index), packet)) Assert.Equal(seen[(isRtcp, mki, ssrc, index)], packet);
            }

            if (_state.Participants.Count > 3) Assert.NotEmpty(seen);
        }

        private void Decide(ConferenceCommand command)
        {
            if (ConferenceDecider.Decide(_state, command, _scene.Decision) is not Decision.Accepted accepted) return;
            _state = _state.Apply(accepted.Events);
            foreach (var number in _state.IsActive ? _state.Mixers.Values.Where(m => m.SharedSsrcs.IsEmpty).Select(m => m.Number) : [])
                _state = _state.Apply(_scene.Accepted(_state, new ConferenceCommand.ReserveSsrcs(number)));
            Tell();
        }

        private void NewKey()
        {
            var key = GroupKey.Generate(new KeyEpoch((uint)_keys.Count + 1), [SrtpProfile.AesCm128HmacSha1Tag80], _random.Fill);
            _keys.Add(key);
            foreach (var mixer in _mixers.Values) mixer.Mixer.SetGroupKey(key.Copy());
            Tell();
        }

        /// <summary>Only mixers in charge hear of it; the others go on with what they were told last.</summary>
        private void Tell()
        {
            if (!_state.IsActive) return;
            foreach (var number in _state.Mixers.Keys)
            {
                var id = _state.MixerOf(number)!.Value;
                if (!_mixers.TryGetValue(id, out var scene)) Begin(id, scene = _mixers[id] = new MixerScene(seed: (ulong)id.Incarnation));
                var wanted = _state.DesiredMixer(number, ++_version, _state.Members(), [], _ => new LegKeyUse(LegKeyMode.ByMki, new KeyEpoch(Epoch)));
                scene.Mixer.SetState(wanted with { Epochs = [.. _keys.Select(k => k.Epoch)] });
            }
        }

        private void Begin(MixerId id, MixerScene scene)
        {
            foreach (var key in _keys) scene.Mixer.SetGroupKey(key.Copy());
            _phones[id] = [.. People.Select((_, i) => scene.Phone(number: i + 1))];
            foreach (var phone in _phones[id])
                foreach (var key in _keys)
                    phone.Hold(key);
        }

        private void Run(int ticks)
        {
            for (var i = 0; i < ticks; i++)
            {
                foreach (var (id, scene) in _mixers)
                {
                    // One talks at each mixer; the others share a stream.
                    _phones[id][id.Incarnation % 2].Say(Voice);
                    scene.Tick();
                }
            }
        }
    }
}
