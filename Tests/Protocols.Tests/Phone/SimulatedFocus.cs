using System.Collections.Immutable;
using System.Net;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Focus;
using ConfCluster.Protocols.Mixing;
using ConfCluster.Protocols.Rtp;
using ConfCluster.Protocols.Sdp;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Parsing;
using ConfCluster.Protocols.Sip.Transactions;
using ConfCluster.Protocols.Wire;
using ConfCluster.Support;

namespace ConfCluster.Protocols.Tests.Phone;

/// <summary>
/// A whole node without I/O: transactions, routing, participants, one conference and its mixer, wired as the shells wire them, on the
/// virtual time of a simulated network. Nothing is stored, so a decision is folded at once.
/// </summary>
internal sealed class SimulatedFocus : IMediaSink, IDisposable
{
    private static readonly TimeSpan TickLength = AudioFrame.Duration;

    private readonly SimulatedNetwork _network;
    private readonly Random _random;
    private readonly LocalTag _tags;
    private readonly TransactionLayer _layer = new(SipTimings.Default, 1000);
    private readonly FocusSettings _settings = new(SipTimings.Default, null, "simulated", MediaCapabilities.Default);
    private readonly Dictionary<(object Owner, Enum Timer), int> _timers = [];
    private readonly Dictionary<ParticipantId, ParticipantState> _participants = [];
    private readonly Dictionary<TransactionKey, ParticipantId> _owners = [];
    private readonly List<IPEndPoint> _slots = [];
    private int _timer;
    private long _version;

    public SimulatedFocus(SimulatedNetwork network, string address, int seed)
    {
        _network = network;
        _random = new Random(seed);
        using var key = SecretBytes.Create(32, Fill);
        _tags = new LocalTag(key);
        Sip = new IPEndPoint(IPAddress.Parse(address), 5060);
        Mixer = new ConferenceMixer(new MixerSettings(2, 16, TimeSpan.FromSeconds(5)), Fill, DateTimeOffset.UnixEpoch);
        Fold(new ConferenceCommand.Take(CallsLost: false));
        network.Attach(Sip, Receive);
        Tick();
    }

    public IPEndPoint Sip { get; }

    public ConferenceMixer Mixer { get; }

    public ConferenceState Conference { get; private set; } = ConferenceState.New(new ConferenceId("room"));

    /// <summary>Every fact of the conference, in order.</summary>
    public List<ConferenceEvent> Facts { get; } = [];

    public int Transactions => _layer.ServerCount + _layer.ClientCount;

    public int Participants => _participants.Count;

    public void Send(int slot, bool rtcp, ReadOnlySpan<byte> packet, in MediaAddress to) => _network.Send(_slots[slot], to.ToEndPoint(), packet);

    public void EndConference()
    {
        foreach (var member in Conference.Members())
            Step(member.Participant, new ParticipantInput.EndRequested(Conference.Conference, LeaveReason.ConferenceEnded));
    }

    public void Dispose()
    {
        foreach (var state in _participants.Values) state.Destroy();
        Mixer.Dispose();
        _tags.Dispose();
    }

    private void Receive(IPEndPoint from, byte[] bytes)
    {
        if (!SipReader.TryRead(bytes, out var message, out _)) return;
        var flow = new SipFlow(SipTransport.Udp, Sip, from);
        Do(message is SipRequest request ? _layer.ReceiveRequest(request, flow) : _layer.ReceiveResponse((SipResponse)message!, flow));
    }

    private void Do(ImmutableArray<TransactionEffect> effects)
    {
        foreach (var effect in effects)
        {
            switch (effect)
            {
                case TransactionEffect.Send send:
                    _network.Send(Sip, send.Flow.Remote, SipWriter.ToBytes(send.Message));
                    break;
                case TransactionEffect.PassRequest pass when RequestRouting.Of(pass.Request, _tags) is RoutingVerdict.ToParticipant to:
                    Step(to.Participant, new ParticipantInput.RequestArrived(pass.Key, pass.Request, pass.Flow));
                    break;
                case TransactionEffect.PassAck pass when RequestRouting.Of(pass.Request, _tags) is RoutingVerdict.ToParticipant to:
                    Step(to.Participant, new ParticipantInput.AckArrived(pass.Request));
                    break;
                case TransactionEffect.PassResponse pass:
                    Step(_owners[pass.Key], new ParticipantInput.ResponseArrived(pass.Response));
                    break;
                case TransactionEffect.Failed failed when _owners.TryGetValue(failed.Key, out var owner):
                    Step(owner, new ParticipantInput.TransactionFailed(failed.Key, failed.Reason));
                    break;
                case TransactionEffect.Start start:
                    Start(start.Key, start.Timer, start.After, () => Do(_layer.Fired(start.Key, start.Timer)));
                    break;
                case TransactionEffect.Cancel cancel:
                    _timers.Remove((cancel.Key, cancel.Timer));
                    break;
                case TransactionEffect.Ended ended:
                    _owners.Remove(ended.Key);
                    break;
            }
        }
    }

    private void Step(ParticipantId id, ParticipantInput input)
    {
        var context = new ParticipantContext(id, _settings, Fill);
        if (!_participants.TryGetValue(id, out var state))
            state = ParticipantMachine.Next(ParticipantState.Initial, new ParticipantInput.Recovered([]), context).State;
        var step = ParticipantMachine.Next(state, input, context);
        _participants[id] = step.State;
        foreach (var effect in step.Effects) Do(id, effect);
    }

    private void Do(ParticipantId id, ParticipantEffect effect)
    {
        switch (effect)
        {
            case ParticipantEffect.Respond respond:
                _owners[respond.Key] = id;
                Do(_layer.Respond(respond.Key, respond.Response));
                break;
            case ParticipantEffect.SendRequest send:
                var request = send.Request with { Headers = send.Request.Headers.Prepend("Via", $"SIP/2.0/UDP {Sip};branch=z9hG4bKfocus{++_timer};rport") };
                _owners[TransactionKey.OfSent(request)] = id;
                Do(_layer.Request(request, send.Flow));
                break;
            case ParticipantEffect.Join join:
                Fold(new ConferenceCommand.Join(id, join.Identity, join.DisplayName));
                Step(id, new ParticipantInput.JoinAccepted(join.Conference, Conference.Mixer!.Value, Conference.Participants[id].Ssrc));
                break;
            case ParticipantEffect.Leave leave:
                Fold(new ConferenceCommand.Leave(id, leave.Reason));
                Step(id, new ParticipantInput.LeaveAcknowledged(leave.Conference));
                break;
            case ParticipantEffect.OpenLeg open:
                var place = Open(id);
                Step(id, new ParticipantInput.LegOpened(open.Mixer, place, place));
                break;
            case ParticipantEffect.SetLegMedia set:
                Mixer.SetLeg(set.Media);
                break;
            case ParticipantEffect.CloseLeg:
                Mixer.CloseLeg(id);
                break;
            case ParticipantEffect.Start start:
                Start(id, start.Timer, start.After, () => Step(id, new ParticipantInput.Fired(start.Timer)));
                break;
            case ParticipantEffect.Cancel cancel:
                _timers.Remove((id, cancel.Timer));
                break;
            case ParticipantEffect.Destroy destroy:
                destroy.Secrets.Dispose();
                break;
            case ParticipantEffect.Stop:
                _participants.Remove(id, out var last);
                last!.Destroy();
                break;
        }
    }

    private MediaAddress Open(ParticipantId id)
    {
        var slot = Mixer.OpenLeg(id);
        while (_slots.Count <= slot) _slots.Add(new IPEndPoint(Sip.Address, 40_000 + 2 * _slots.Count));
        _network.Attach(_slots[slot], (from, bytes) =>
            Mixer.Receive(slot, RtpHeader.LooksLikeRtcp(bytes), bytes, MediaAddress.From(from), _network.Now));
        return MediaAddress.From(_slots[slot]);
    }

    private void Fold(ConferenceCommand command)
    {
        var context = new DecisionContext(
            DateTimeOffset.UnixEpoch + _network.Now, new ConferencePolicy(100), () => new Ssrc((uint)_random.Next()));
        if (ConferenceDecider.Decide(Conference, command, context) is not Decision.Accepted accepted) return;
        Facts.AddRange(accepted.Events);
        Conference = Conference.Apply(accepted.Events);
        if (Conference.Mixer is not null) Mixer.SetState(Conference.DesiredMixer(0, ++_version, Conference.Members(), [], _ => LegKeyUse.Own));
    }

    private void Start(object owner, Enum timer, TimeSpan after, Action fire)
    {
        var number = _timers[(owner, timer)] = ++_timer;
        _network.After(after, () =>
        {
            if (!_timers.TryGetValue((owner, timer), out var current) || current != number) return;
            _timers.Remove((owner, timer));
            fire();
        });
    }

    private void Tick() => _network.After(TickLength, () =>
    {
        Mixer.Tick(_network.Now, this);
        Tick();
    });

    private void Fill(Span<byte> bytes) => _random.NextBytes(bytes);
}
