using System.Net;
using ConfCluster.Protocols.Mixing;
using ConfCluster.Protocols.Phone;
using ConfCluster.Protocols.Rtp;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Parsing;
using ConfCluster.Support;

namespace ConfCluster.Protocols.Tests.Phone;

/// <summary>A phone on a simulated network: executes the effects, ticks every 20 ms, plays a tone and keeps what it hears.</summary>
internal sealed class SimulatedPhone : IMediaSink, IDisposable
{
    private readonly SimulatedNetwork _network;
    private readonly Dictionary<PhoneTimer, int> _timers = [];
    private readonly ToneGenerator _tone;
    private readonly short[] _out = new short[AudioFrame.Samples];
    private readonly short[] _in = new short[AudioFrame.Samples];
    private readonly SipFlow _flow;
    private IPEndPoint _rtp;
    private IPEndPoint _sip;
    private int _timer;

    public SimulatedPhone(SimulatedNetwork network, string address, IPEndPoint peer, double tone, int seed, PhoneSettings? settings = null)
    {
        _network = network;
        _tone = new ToneGenerator(tone);
        var random = new Random(seed);
        Sip = _sip = new IPEndPoint(IPAddress.Parse(address), 5060);
        _rtp = new IPEndPoint(Sip.Address, 4000);
        var flow = _flow = new SipFlow(SipTransport.Udp, Sip, peer);
        Call = new PhoneCall(settings ?? PhoneSettings.Default, flow, Media(_rtp), Media(_rtp), s => random.NextBytes(s));
        Audio = new PhoneMedia(new MixerSettings(2, 16, TimeSpan.FromSeconds(5)), s => random.NextBytes(s), DateTimeOffset.UnixEpoch);
        network.Attach(Sip, (from, bytes) => Do(Call.Receive(bytes, flow with { Remote = from })));
        network.Attach(_rtp, (_, bytes) => Audio.Receive(rtcp: false, bytes, network.Now));
        Tick(TimeSpan.FromMilliseconds(20 + seed % 20));
    }

    public IPEndPoint Sip { get; }

    public PhoneCall Call { get; }

    public PhoneMedia Audio { get; }

    public List<PhoneEvent> Events { get; } = [];

    /// <summary>Other servers, which are tried in turn.</summary>
    public Queue<IPEndPoint> Also { get; } = [];

    public List<LegMedia> Medias { get; } = [];

    public List<SipMessage> Sent { get; } = [];

    /// <summary>What was heard since it was last cleared.</summary>
    public List<short> Heard { get; } = [];

    public PhoneEvent.Ended? End => Events.OfType<PhoneEvent.Ended>().SingleOrDefault();

    public void Dial(SimulatedPhone other) => Dial(SipUri.Sip("them", other.Sip.Address.ToString(), other.Sip.Port));

    public void Dial(SipUri target) => Do(Call.Dial(target));

    public void HangUp() => Do(Call.HangUp());

    public void Hold(bool on) => Do(Call.Hold(on));

    public void MoveTo(int port)
    {
        _rtp = new IPEndPoint(Sip.Address, port);
        _network.Attach(_rtp, (_, bytes) => Audio.Receive(rtcp: false, bytes, _network.Now));
        Do(Call.MoveTo(Media(_rtp), Media(_rtp)));
    }

    /// <summary>What came at another address of it, from which it answers.</summary>
    public void ReceiveAt(IPEndPoint here, IPEndPoint from, byte[] bytes)
    {
        _sip = here;
        Do(Call.Receive(bytes, _flow with { Local = here, Remote = from }));
    }

    public double ShareOf(double hertz) => ToneGenerator.ShareOf(hertz, Heard.ToArray());

    public void Send(int slot, bool rtcp, ReadOnlySpan<byte> packet, in MediaAddress to) => _network.Send(_rtp, to.ToEndPoint(), packet);

    public void Dispose()
    {
        Audio.Dispose();
        Call.Dispose();
    }

    private void Do(IEnumerable<PhoneEffect> effects)
    {
        foreach (var effect in effects)
        {
            switch (effect)
            {
                case PhoneEffect.Send send:
                    Sent.Add(send.Message);
                    _network.Send(_sip, send.Flow.Remote, SipWriter.ToBytes(send.Message));
                    break;
                case PhoneEffect.Start start:
                    var id = _timers[start.Timer] = ++_timer;
                    _network.After(start.After, () => Fire(start.Timer, id));
                    break;
                case PhoneEffect.Cancel cancel:
                    _timers.Remove(cancel.Timer);
                    break;
                case PhoneEffect.UseMedia use:
                    Medias.Add(use.Media);
                    Audio.Use(use.Media.Copy());
                    break;
                case PhoneEffect.Reconnect when Also.TryDequeue(out var server):
                    Do(Call.Reconnected(_flow with { Remote = server }));
                    break;
                case PhoneEffect.Tell tell:
                    Events.Add(tell.Event);
                    break;
            }
        }
    }

    private void Fire(PhoneTimer timer, int id)
    {
        if (!_timers.TryGetValue(timer, out var current) || current != id) return;
        _timers.Remove(timer);
        Do(Call.Fired(timer));
    }

    private void Tick(TimeSpan wait) => _network.After(wait, () =>
    {
        _tone.Fill(_out);
        if (End is null && Call.State is not CallState.Ending)
        {
            Audio.Tick(_network.Now, _out, _in, this);
            Heard.AddRange(_in);
        }

        Tick(AudioFrame.Duration);
    });

    private static MediaAddress Media(IPEndPoint place) => MediaAddress.From(place);
}
