using System.Net;
using System.Security.Cryptography;
using Akka.Actor;
using ConfCluster.Actors.Participant;
using ConfCluster.Actors.Sip;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Mixing;
using ConfCluster.Protocols.Phone;
using ConfCluster.Protocols.Rtp;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Parsing;
using ConfCluster.Protocols.Sip.Transactions;

namespace ConfCluster.Cluster.Tests.InProcess.Engines;

/// <summary>
/// A phone of an <see cref="EngineEdge"/>: the softphone's own call and media (SDES with MKI), but what it sends goes straight to the participants of the node that it
/// came by, as that node's endpoint would pass it up, and comes from there as from a connection.
/// </summary>
internal sealed class EnginePhone : IMediaSink, IDisposable
{
    /// <summary>Half a second.</summary>
    private const int Remembered = 4000;

    private readonly Lock _lock = new();
    private readonly EngineEdge _edge;
    private readonly MediaAddress _rtp;
    private readonly SipFlow _flow;
    private readonly PhoneCall _call;
    private readonly PhoneMedia _audio;
    private readonly ToneGenerator _tone;
    private readonly short[] _out = new short[AudioFrame.Samples];
    private readonly short[] _in = new short[AudioFrame.Samples];
    private readonly Queue<short> _heard = new(Remembered);
    private readonly Dictionary<PhoneTimer, TimeSpan> _timers = [];
    private readonly Dictionary<TransactionKey, (ParticipantId Owner, EngineNode Node)> _asked = [];
    private TimeSpan _now;

    public EnginePhone(EngineEdge edge, IPAddress address, double tone)
    {
        (_edge, Tone, _tone, _rtp) = (edge, tone, new ToneGenerator(tone), MediaAddress.From(address, 4000));
        _flow = new SipFlow(SipTransport.Tcp, new IPEndPoint(address, 5060), new IPEndPoint(IPAddress.Loopback, 5060), 1);
        _call = new PhoneCall(PhoneSettings.Default with { UseMki = true }, _flow, _rtp, _rtp, RandomNumberGenerator.Fill);
        _audio = new PhoneMedia(new MixerSettings(2, 16, TimeSpan.FromSeconds(5)), RandomNumberGenerator.Fill, TimeProvider.System.GetUtcNow());
        edge.TryAttach(_rtp, Receive);
    }

    /// <summary>Hz.</summary>
    public double Tone { get; }

    /// <summary>By which node its requests come in.</summary>
    public EngineNode Entry { get; set; } = null!;

    public bool IsTalking { get; private set; }

    /// <summary>Null: its call goes on.</summary>
    public PhoneEvent.Ended? End { get; private set; }

    public PhoneStatistics Statistics
    {
        get
        {
            lock (_lock) return _audio.Statistics();
        }
    }

    /// <summary>In the last half second.</summary>
    public bool Hears(EnginePhone other)
    {
        lock (_lock) return ToneGenerator.ShareOf(other.Tone, [.. _heard]) > 0.05;
    }

    public void Dial(string conference, EngineNode node)
    {
        Entry = node;
        lock (_lock) Do(_call.Dial(SipUri.Sip(conference, "127.0.0.1", 5060)));
    }

    public void HangUp()
    {
        lock (_lock) Do(_call.HangUp());
    }

    public void Tick(TimeSpan now)
    {
        lock (_lock)
        {
            _now = now;
            foreach (var due in _timers.Where(t => t.Value <= now).Select(t => t.Key).ToList())
                if (_timers.Remove(due))
                    Do(_call.Fired(due));
            if (End is not null) return;
            _tone.Fill(_out);
            _audio.Tick(now, _out, _in, this);
            foreach (var sample in _in) _heard.Enqueue(sample);
            while (_heard.Count > Remembered) _heard.Dequeue();
        }
    }

    /// <summary>A request of the conference, which that node would have sent.</summary>
    public void Take(SendRequest asked, EngineNode node)
    {
        var via = new Via("TCP", "127.0.0.1", 5060, SipParameters.Empty.With("branch", Via.MagicCookie + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(12))));
        var request = asked.Request with { Headers = asked.Request.Headers.Prepend("Via", via.ToString()) };
        lock (_lock)
        {
            _asked[TransactionKey.OfSent(request)] = (asked.Owner, node);
            Receive(request);
        }
    }

    public void Take(SipMessage message)
    {
        lock (_lock) Receive(message);
    }

    public void Send(int slot, bool rtcp, ReadOnlySpan<byte> packet, in MediaAddress to) => _edge.Send(_rtp, packet, to);

    public void Dispose()
    {
        lock (_lock)
        {
            _edge.Detach(_rtp);
            _audio.Dispose();
            _call.Dispose();
        }
    }

    private void Receive(SipMessage message) => Do(_call.Receive(SipWriter.ToBytes(message), _flow));

    private void Receive(MediaAddress from, byte[] packet)
    {
        lock (_lock)
            if (End is null)
                _audio.Receive(rtcp: false, packet, _now);
    }

    private void Do(IEnumerable<PhoneEffect> effects)
    {
        foreach (var effect in effects)
        {
            switch (effect)
            {
                case PhoneEffect.Send e: Send(e.Message); break;
                case PhoneEffect.Start e: _timers[e.Timer] = _now + e.After; break;
                case PhoneEffect.Cancel e: _timers.Remove(e.Timer); break;
                case PhoneEffect.UseMedia e: _audio.Use(e.Media); break;
                case PhoneEffect.Tell { Event: PhoneEvent.Answered }: IsTalking = true; break;
                case PhoneEffect.Tell { Event: PhoneEvent.Ended ended }: (IsTalking, End) = (false, ended); break;
            }
        }
    }

    /// <summary>As bytes and back, as on any way.</summary>
    private void Send(SipMessage sent)
    {
        if (!SipReader.TryRead(SipWriter.ToBytes(sent), out var message, out var error)) throw new InvalidOperationException(error.Detail);
        if (message is SipResponse response)
        {
            var key = TransactionKey.OfResponse(response);
            if (_asked.TryGetValue(key, out var asked)) asked.Node.Regions.Participants.Tell(new SipResponseArrived(asked.Owner, key, response));
            return;
        }

        var request = (SipRequest)message!;
        var headers = request.Headers;
        _edge.Register(headers.CallId, this);
        var id = headers.To.Tag is { } tag ? new ParticipantId(tag) : Entry.Tags.ForIncoming(headers.CallId, headers.From.Tag, headers.CSeq.Number);
        var flow = new SipFlow(SipTransport.Tcp, _flow.Remote, _flow.Local, 1) { Node = Entry.Name };
        if (request.Method != SipMethod.Ack)
            Entry.Regions.Participants.Tell(new SipRequestArrived(id, TransactionKey.OfReceived(request), request, flow, Entry.Wire));
        else if (headers.To.Tag is not null)
            Entry.Regions.Participants.Tell(new SipAckArrived(id, request, flow));
    }
}
