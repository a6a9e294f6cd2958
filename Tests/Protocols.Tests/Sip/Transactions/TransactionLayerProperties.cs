using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Transactions;
using CsCheck;
using Xunit;
using static ConfCluster.Protocols.Sip.Transactions.TransactionEffect;

namespace ConfCluster.Protocols.Tests.Sip.Transactions;

/// <summary>Whatever order the world chooses, the table keeps its promises.</summary>
public sealed class TransactionLayerProperties
{
    private const int Limit = 3;
    private const int Branches = 5;

    private static readonly Gen<(int Kind, int Branch, int Detail)[]> Worlds =
        Gen.Select(Gen.Int[0, 9], Gen.Int[0, Branches - 1], Gen.Int[0, 7]).Array[0, 120];

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Every_order_of_inputs_keeps_the_table_bounded_the_timers_owned_and_ends_empty(bool reliable) => Worlds.Sample(world =>
    {
        var play = new Play(reliable ? SipTexts.Tcp : SipTexts.Udp);
        foreach (var (kind, branch, detail) in world) play.Act(kind, branch, detail);
        play.RunOut();
    }, iter: 2_000);

    /// <summary>Drives a layer and checks after each input; timers fire in any order while acting and in due order in the end.</summary>
    private sealed class Play(SipFlow flow)
    {
        private static readonly int[] Statuses = [100, 180, 183, 200, 202, 486, 503, 603];

        private readonly TransactionLayer _layer = new(SipTimings.Default, Limit);
        private readonly Dictionary<(TransactionKey Key, SipTimer Timer), TimeSpan> _timers = [];
        private readonly HashSet<TransactionKey> _passed = [];
        private readonly HashSet<TransactionKey> _open = [];
        private readonly Dictionary<TransactionKey, (int Finals, bool Failed, bool Is2xx)> _outcomes = [];
        private TimeSpan _now;

        public void Act(int kind, int branch, int detail)
        {
            var name = $"z9hG4bK{branch}";
            switch (kind)
            {
                case 0: Receive(SipTexts.Request("INVITE", name)); break;
                case 1: Receive(SipTexts.Request("ACK", name, "room1")); break;
                case 2: Receive(SipTexts.Request("CANCEL", name)); break;
                case 3: Receive(SipTexts.Request("BYE", name, "room1")); break;
                case 4: RespondTo(branch, Statuses[detail]); break;
                case 5: StartRequest(detail % 2 == 0 ? "INVITE" : "BYE", name); break;
                case 6: Check(_layer.ReceiveResponse(SipTexts.Answer(Ours("INVITE", name), Statuses[detail]), flow)); break;
                case 7: Check(_layer.ReceiveResponse(SipTexts.Answer(Ours("BYE", name), Statuses[detail]), flow)); break;
                case 8: FireAny(branch + detail); break;
                default: FailAny(branch + detail); break;
            }
        }

        /// <summary>Nobody acts any more: the timers alone must clear the table.</summary>
        public void RunOut()
        {
            for (var i = 0; _timers.Count > 0; i++)
            {
                Assert.True(i < 1000, "timers go on for ever");
                var next = _timers.MinBy(t => t.Value);
                _now = next.Value;
                Fire(next.Key);
            }

            Assert.Equal(0, _layer.ServerCount);
            Assert.Equal(0, _layer.ClientCount);
            Assert.Empty(_open);
        }

        private static SipRequest Ours(string method, string branch) => SipTexts.Request(method, branch, via: "127.0.0.1:5060");

        private void Receive(SipRequest request) => Check(_layer.ReceiveRequest(request, flow));

        private void RespondTo(int index, int status)
        {
            if (_passed.Count == 0) return;
            var key = _passed.ElementAt(index % _passed.Count);
            Check(_layer.Respond(key, SipTexts.Answer(SipTexts.Request(key.Method.Name, key.Branch), status)));
        }

        private void StartRequest(string method, string branch)
        {
            var request = Ours(method, branch);
            if (!_open.Contains(TransactionKey.OfSent(request))) Check(_layer.Request(request, flow));
        }

        private void FireAny(int index)
        {
            if (_timers.Count > 0) Fire(_timers.Keys.ElementAt(index % _timers.Count));
        }

        private void Fire((TransactionKey Key, SipTimer Timer) timer)
        {
            _timers.Remove(timer);
            Check(_layer.Fired(timer.Key, timer.Timer));
        }

        private void FailAny(int index)
        {
            if (_open.Count > 0) Check(_layer.TransportFailed(_open.ElementAt(index % _open.Count)));
        }

        private void Check(IReadOnlyCollection<TransactionEffect> effects)
        {
            foreach (var effect in effects) Note(effect);
            Assert.True(_layer.ServerCount <= Limit);
            Assert.All(_timers.Keys, t => Assert.Contains(t.Key, _open));
            Assert.All(_open, key => Assert.Contains(_timers.Keys, t => t.Key == key));
        }

        private void Note(TransactionEffect effect)
        {
            switch (effect)
            {
                case PassRequest pass:
                    Assert.True(_open.Add(pass.Key), "a request was passed up while its transaction lives");
                    _passed.Add(pass.Key);
                    break;
                case Start start:
                    _open.Add(start.Key);
                    _timers[(start.Key, start.Timer)] = _now + start.After;
                    break;
                case Cancel cancel: _timers.Remove((cancel.Key, cancel.Timer)); break;
                case PassResponse { Response.IsFinal: true } pass: NoteFinal(pass); break;
                case Failed { Key.IsServer: false } failed: NoteFailure(failed.Key); break;
                case Ended ended:
                    _open.Remove(ended.Key);
                    _outcomes.Remove(ended.Key);
                    foreach (var timer in _timers.Keys.Where(t => t.Key == ended.Key).ToArray())
                        _timers.Remove(timer);
                    break;
                default: break;
            }
        }

        /// <summary>One final response per request, but for the 2xx of several forks to an INVITE (RFC 6026 §7.2).</summary>
        private void NoteFinal(PassResponse pass)
        {
            var before = _outcomes.GetValueOrDefault(pass.Key);
            var is2xx = pass.Response.Class == 2;
            Assert.False(before.Failed, "a response after the failure");
            Assert.True(before.Finals == 0 || pass.Key.Method == SipMethod.Invite && before.Is2xx && is2xx, "two final responses");
            _outcomes[pass.Key] = (before.Finals + 1, false, is2xx);
        }

        private void NoteFailure(TransactionKey key)
        {
            // The ACK of a refusal may still fail to leave (RFC 3261 figure 5, Completed); the core knows the outcome then.
            var before = _outcomes.GetValueOrDefault(key);
            Assert.False(before.Failed, "failed twice");
            _outcomes[key] = before with { Failed = true };
        }
    }
}
