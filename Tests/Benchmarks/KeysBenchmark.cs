using System.Collections.Immutable;
using System.Diagnostics;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Keys.Rekeying;
using ConfCluster.Protocols.Rtp;

namespace ConfCluster.Benchmarks;

/// <summary>What the decisions of one rekeying cost a conference, without messages, journal and sockets: its machine on virtual time, whose legs answer after 10 to 509 ms.</summary>
internal static class KeysBenchmark
{
    private const int Rounds = 5;

    public static void Run(TextWriter output)
    {
        output.WriteLine("| legs | ms per rekeying (median) | µs per leg | states for the mixer | offers out at most |");
        output.WriteLine("|---|---|---|---|---|");
        _ = new Scene(20).Rekey();
        foreach (var legs in (int[])[100, 500, 1000, 2000])
        {
            var scene = new Scene(legs);
            var rounds = Enumerable.Range(0, Rounds).Select(_ => scene.Rekey()).OrderBy(r => r.Spent).ToList();
            var (spent, states, most) = rounds[Rounds / 2];
            output.WriteLine($"| {legs} | {spent.TotalMilliseconds:F0} | {spent.TotalMicroseconds / legs:F0} | {states} | {most} |");
        }
    }

    private sealed class Scene
    {
        private static readonly ConferenceId Room = new("room");
        private readonly PriorityQueue<ConferenceInput, (DateTimeOffset At, int Order)> _agenda = new();
        private readonly Dictionary<ConferenceTimer, int> _timers = [];
        private readonly ConferencePolicy _policy = new(100_000) { Keys = new GroupKeyPolicy(true, RekeyPolicy.Default) { SdesSignalling = SdesSignalling.Any } };
        private DateTimeOffset _now = DateTimeOffset.UnixEpoch + TimeSpan.FromDays(20_000);
        private ConferenceLife _life = ConferenceLife.New(Room);
        private TimeSpan _spent;
        private int _order;
        private int _states;
        private int _out;
        private int _mostOut;
        private uint _ssrc;

        public Scene(int legs)
        {
            Do(new ConferenceInput.Recovered([], CallsLost: false));
            for (var i = 0; i < legs; i++)
            {
                var id = new ParticipantId($"{i * 2654435761L % 4294967296:x8}");
                Do(new ConferenceInput.Asked(new ConferenceCommand.Join(id, $"sip:{id}@example.com", null) { Ability = new LegAbility(true, true, "") }));
                RunFor(TimeSpan.FromMilliseconds(5));
            }

            RunFor(TimeSpan.FromSeconds(30));
            if (_life.Keys.Legs.Values.Count(l => l.InUse == _life.Keys.Last) != legs) throw new InvalidOperationException("not all legs have the group key");
        }

        public (TimeSpan Spent, int States, int MostOut) Rekey()
        {
            (_spent, _states, _mostOut) = (TimeSpan.Zero, 0, 0);
            Do(new ConferenceInput.RekeyAsked("benchmark"));
            RunFor(TimeSpan.FromSeconds(30));
            if (_life.Keys.Legs.Values.Any(l => l.InUse != _life.Keys.Last)) throw new InvalidOperationException("a leg was left behind");
            return (_spent, _states, _mostOut);
        }

        private void RunFor(TimeSpan time)
        {
            var end = _now + time;
            while (_agenda.TryPeek(out var input, out var due) && due.At <= end)
            {
                _agenda.Dequeue();
                if (due.At > _now) _now = due.At;
                if (input is ConferenceInput.Fired { Timer: var timer } && _timers.GetValueOrDefault(timer) != due.Order) continue;
                if (input is ConferenceInput.KeyReported { Answer: LegKeyAnswer.Took }) _out--;
                Do(input);
            }

            _now = end;
        }

        private void Do(ConferenceInput input)
        {
            var start = Stopwatch.GetTimestamp();
            var decision = new DecisionContext(_now, _policy, () => new Ssrc(++_ssrc));
            var step = ConferenceMachine.Next(_life, input, new ConferenceContext(decision, TimeSpan.FromMinutes(10)));
            _spent += Stopwatch.GetElapsedTime(start);
            _life = step.Life;
            foreach (var effect in step.Effects) Note(effect);
        }

        private void Note(ConferenceEffect effect)
        {
            switch (effect)
            {
                case ConferenceEffect.Store: In(TimeSpan.FromMilliseconds(2), new ConferenceInput.Stored()); break;
                case ConferenceEffect.Publish: _states++; break;
                case ConferenceEffect.Start e: _timers[e.Timer] = In(e.After, new ConferenceInput.Fired(e.Timer)); break;
                case ConferenceEffect.Cancel e: _timers.Remove(e.Timer); break;
                case ConferenceEffect.Admit e: In(AnswerOf(e.Participant), new ConferenceInput.KeyReported(e.Participant, LegKeyAnswer.Ready, e.Epoch ?? default, default)); break;
                case ConferenceEffect.OfferKey e:
                    _mostOut = Math.Max(_mostOut, ++_out);
                    In(AnswerOf(e.Participant), new ConferenceInput.KeyReported(e.Participant, LegKeyAnswer.Took, e.Epoch, default));
                    break;
            }
        }

        private static TimeSpan AnswerOf(ParticipantId id) => TimeSpan.FromMilliseconds(10 + Convert.ToUInt32(id.Value, 16) % 500);

        private int In(TimeSpan delay, ConferenceInput input)
        {
            _agenda.Enqueue(input, (_now + delay, ++_order));
            return _order;
        }
    }
}
