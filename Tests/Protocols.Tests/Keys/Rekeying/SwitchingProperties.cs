using System.Collections.Immutable;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Keys.Rekeying;
using CsCheck;
using Xunit;

namespace ConfCluster.Protocols.Tests.Keys.Rekeying;

/// <summary>
/// Two rounds in random conferences whose media is forwarded unopened: joins, leaves, answers in any order, glare, refusals, silence, evictions, crashes of the
/// focus. The book is the world's own: who was sent what, took what, was told to send under what.
/// </summary>
public class SwitchingProperties
{
    private static readonly Gen<(int Interval, int Flags, (int Step, int N)[] Steps)> Lives = Gen.Select(
        Gen.Int[0, 2], Gen.Int[0, 7], Gen.Select(Gen.Int[0, 15], Gen.Int[0, 1023]).Array[1, 80]);

    [Fact]
    public void Nobody_is_told_to_send_under_a_key_before_everybody_has_it_and_no_change_waits_too_long() => Lives.Sample(
        life =>
        {
            var world = new World(life.Interval, life.Flags);
            foreach (var (step, n) in life.Steps) world.Do(step, n);
            world.Rest();
        },
        iter: 10_000);

    private sealed class Phone(string id, TimeSpan joined)
    {
        public string Id => id;

        public TimeSpan Joined => joined;

        public bool IsReady { get; set; }

        /// <summary>What it was sent, in order, and has not answered; whether it is told to send under it.</summary>
        public (KeyEpoch Epoch, bool Switches)? Open { get; set; }

        public TimeSpan Told { get; set; }

        public HashSet<KeyEpoch> Took { get; } = [];

        public HashSet<KeyEpoch> Held { get; } = [];

        public KeyEpoch? Sends { get; set; }

        /// <summary>It is forwarded what is under this one and later ones.</summary>
        public KeyEpoch? Hears { get; set; }
    }

    private sealed class World
    {
        /// <summary>Longer than a transaction lasts: a participant has said something by then, or a message was lost.</summary>
        private static readonly TimeSpan Lapse = TimeSpan.FromSeconds(40);

        private readonly RekeyPolicy _policy;
        private readonly Dictionary<string, Phone> _in = [];
        private readonly List<(Phone Phone, TimeSpan Left)> _gone = [];
        private readonly Dictionary<KeyEpoch, TimeSpan> _began = [];
        private readonly Dictionary<KeyEpoch, TimeSpan> _used = [];
        private readonly List<TimeSpan> _changes = [];
        /// <summary>What an effect leads to comes after the effects beside it.</summary>
        private readonly Queue<RekeyInput> _inputs = [];
        private RekeyState _state = RekeyState.Empty;
        private TimeSpan _now = TimeSpan.FromHours(1);
        private TimeSpan _crashed = TimeSpan.Zero;
        private KeyEpoch _last;
        private TimeSpan? _lastStart;
        private int _names;

        public World(int interval, int flags) => _policy = RekeyPolicy.Default with
        {
            MinInterval = TimeSpan.FromSeconds(new[] { 0, 3, 30 }[interval]),
            DistributionTimeout = TimeSpan.FromSeconds(6),
            OnJoin = (flags & 1) == 0,
            JoinKey = (flags & 2) == 0 ? JoinKey.NextEpoch : JoinKey.Current,
            Revoke = (flags & 4) == 0 ? Revocation.Lazy : Revocation.Now,
            Ladder = flags & 4,
        };

        public void Do(int step, int n)
        {
            var phones = _in.Values.OrderBy(p => p.Id, StringComparer.Ordinal).ToList();
            var phone = phones.Count == 0 ? null : phones[n % phones.Count];
            switch (step)
            {
                case 0 or 1: Join(); break;
                case 2 when phone is not null: Leave(phone, evicted: n % 5 == 0); break;
                case 3 when phone?.Open is { } open && phone.IsReady:
                    phone.Open = null;
                    Tell(new RekeyInput.NotNow(phone.Id, open.Epoch, TimeSpan.FromMilliseconds(n)));
                    break;
                case 4 when phone?.Open is { } open && phone.IsReady && n % 3 == 0:
                    phone.Open = null;
                    Tell(new RekeyInput.Refused(phone.Id, open.Epoch));
                    break;
                case 5 when n % 4 == 0: Tell(new RekeyInput.Demanded(n % 8 == 0 ? RekeyReason.Asked : RekeyReason.WornOut)); break;
                case 6 when n % 6 == 0 && phones.Count > 0: Crash(); break;
                case 7 or 8: Pass(TimeSpan.FromMilliseconds(n * 20)); break;
                case 9: Pass(TimeSpan.FromMilliseconds(n)); break;
                default:
                    if (phone is not null) Answer(phone);
                    break;
            }

            Look();
        }

        /// <summary>Everybody answers from now on: all are under one key, and nothing waits.</summary>
        public void Rest()
        {
            for (var i = 0; i < 400; i++)
            {
                foreach (var phone in _in.Values.ToList()) Answer(phone);
                Pass(TimeSpan.FromSeconds(0.5));
                Look();
            }

            Assert.Null(_state.Wanted);
            var newest = _state.Newest;
            if (_policy.OnJoin || _policy.JoinKey == JoinKey.Current)
                Assert.All(_in.Values, p => Assert.Equal(newest!.Epoch, p.Sends));
        }

        private void Join()
        {
            var phone = new Phone($"p{++_names:D4}", _now);
            _in.Add(phone.Id, phone);
            if (_policy.OnJoin) _changes.Add(_now);
            Tell(new RekeyInput.Joined(phone.Id, LegKeying.Switched, TakesLadder: true));
        }

        private void Leave(Phone phone, bool evicted)
        {
            _in.Remove(phone.Id);
            _gone.Add((phone, _now));
            if (phone.Held.Count > 0) _changes.Add(_now);
            Tell(new RekeyInput.Left(phone.Id, evicted));
        }

        private void Answer(Phone phone)
        {
            if (!phone.IsReady)
            {
                // No answer of ours yet, which waits for an epoch.
                if (_state.Find(phone.Id) is { AnswerWaitsFor: not null }) return;
                phone.IsReady = true;
                var first = phone.Open;
                phone.Open = null;
                if (first is var (epoch, _)) Take(phone, epoch);
                Tell(new RekeyInput.Confirmed(phone.Id, first is not null));
                return;
            }

            if (phone.Open is not var (offered, switches)) return;
            phone.Open = null;
            if (switches) phone.Sends = offered;
            else Take(phone, offered);
            Tell(new RekeyInput.Took(phone.Id, offered));
        }

        private static void Take(Phone phone, KeyEpoch epoch)
        {
            phone.Took.Add(epoch);
            phone.Hears ??= epoch;
        }

        private void Crash()
        {
            _crashed = _now;
            foreach (var phone in _in.Values) (phone.Open, phone.IsReady) = (null, true);
            // A phone whose join was being written is not in.
            _state = RekeyState.Recovered(_in.Keys.Select(p => (p, LegKeying.Switched, true)), _last, _last, _now - (_lastStart ?? _now), _policy, _now);
            Tell(new RekeyInput.Demanded(RekeyReason.FocusRecovered));
        }

        private void Pass(TimeSpan time)
        {
            var until = _now + time;
            for (var i = 0; RekeyMachine.WakeAt(_state, _policy) is { } at && at <= until; i++)
            {
                Assert.True(i < 2000, "it wakes for nothing");
                if (at > _now) _now = at;
                Tell(new RekeyInput.Ticked());
            }

            _now = until;
            Tell(new RekeyInput.Ticked());
        }

        private void Tell(RekeyInput input)
        {
            _inputs.Enqueue(input);
            if (_inputs.Count > 1) return;
            while (_inputs.TryPeek(out var next))
            {
                (_state, var effects) = RekeyMachine.Next(_state, next, _policy, _now);
                foreach (var effect in effects) Follow(effect);
                _inputs.Dequeue();
            }
        }

        private void Follow(RekeyEffect effect)
        {
            switch (effect)
            {
                case RekeyEffect.Begin e:
                    Assert.True(e.Epoch > _last, "K5: a number comes twice");
                    Assert.True(_lastStart is null || _policy.Bypasses(e.Reason) || _now - _lastStart >= _policy.MinInterval, "K3: too early");
                    Assert.Null(e.LadderTo);
                    (_last, _lastStart, _began[e.Epoch]) = (e.Epoch, _now, _now);
                    Tell(new RekeyInput.Stored(e.Epoch));
                    break;
                case RekeyEffect.Answer { Epoch: { } epoch } e: Sent(e.Participant, epoch, switches: false); break;
                case RekeyEffect.Offer e: Sent(e.Participant, e.Epoch, switches: false); break;
                case RekeyEffect.Switch e: Sent(e.Participant, e.Epoch, switches: true); break;
                case RekeyEffect.Use { Epoch: { } epoch } e: Assert.Equal(epoch, _in[e.Participant].Sends); break;
                case RekeyEffect.Use e: Assert.Fail($"{e.Participant} has no key of its own"); break;
                case RekeyEffect.Drop e: Leave(_in[e.Participant], evicted: false); break;
            }
        }

        private void Sent(string id, KeyEpoch epoch, bool switches)
        {
            if (!_in.TryGetValue(id, out var phone)) return;
            // After so long it was lost on the way, and the phone never had it.
            Assert.True(phone.Open is null || _now - phone.Told >= Lapse, $"{id} is told {epoch} and has {phone.Open} open since {phone.Told}");
            Assert.True(_began.ContainsKey(epoch), "told before it is stored");
            if (_policy.JoinKey == JoinKey.NextEpoch) Assert.True(_began[epoch] >= phone.Joined, "K2: an epoch from before its join");
            (phone.Open, phone.Told) = ((epoch, switches), _now);
            phone.Held.Add(epoch);
            if (!switches) return;
            Assert.True(phone.Took.Contains(epoch), "K7: told to send under what it has not taken");
            if (_used.TryAdd(epoch, _now))
            {
                // The first round is over.
                foreach (var (gone, left) in _gone)
                    Assert.False(gone.Held.Contains(epoch), $"K1: {gone.Id} left at {left} with epoch {epoch.Number}, which is put in use now");
            }

            // Who is forwarded what is under it can open it.
            foreach (var other in _in.Values.Where(o => o.Hears <= epoch))
                Assert.True(other.Took.Contains(epoch), $"{phone.Id} is to send under epoch {epoch.Number}, and {other.Id} cannot open that");
        }

        private void Look()
        {
            foreach (var leg in _state.Legs.Values.Where(l => l.InUse is { Number: > 0 }))
                Assert.Equal(leg.InUse, _in[leg.Participant].Sends);
            // K4: whoever is still admitted under a key is so under one that is younger than every change so long ago.
            var used = _state.Legs.Values.Where(l => l.InUse is { Number: > 0 }).Select(l => l.InUse!.Value).ToList();
            foreach (var change in _changes.Where(c => c > _crashed && _now - c > _policy.SwitchBound - _policy.Grace))
                foreach (var epoch in used)
                    Assert.True(_began[epoch] >= change, $"K4: under epoch {epoch.Number} of {_began[epoch]} at {_now}, after a change at {change}");
            // Nobody is waited for longer than both rounds may take.
            Assert.DoesNotContain(_state.Epochs, e => e is { Phase: EpochPhase.Distributing, IsSpoiled: false } && _now - e.Began > 2 * _policy.DistributionTimeout);
        }
    }
}
