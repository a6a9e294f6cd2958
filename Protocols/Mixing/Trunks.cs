using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Rtp;
using ConfCluster.Protocols.Wire;

namespace ConfCluster.Protocols.Mixing;

/// <summary>
/// The flows of a mixer to and from the other mixers of its conference (<see cref="TrunkPlan"/>), once it has a plan and the keys of its generation. Every mixer
/// sends to every other one, and what comes from one is for our legs only.
/// </summary>
internal sealed class Trunks(MixerSettings settings, SecretWriter random) : IDisposable
{
    private readonly List<TrunkReceiver> _receivers = [];
    private readonly TrunkSender _sender = new(random);
    private TrunkPlan? _plan;
    private MixerId _self;
    private TrunkKeys? _keys;
    private ulong _refused;
    private ulong _receivedBefore;
    private ulong _refusedBefore;

    /// <summary>There are other mixers, so there must be a way in for what they send.</summary>
    public bool IsWanted => _plan is not null;

    public IReadOnlyList<TrunkReceiver> Receivers => _receivers;

    /// <summary>One of them is our predecessor, which goes on with our legs until we do.</summary>
    public bool TakesOver { get; private set; }

    /// <summary>A mixer of our number is our successor, or the one that we take over from: the same legs are there and here.</summary>
    public bool HasOurLegs(TrunkReceiver receiver) => receiver.Peer.Number == _self.Number;

    /// <summary>The generation in use; 0: none.</summary>
    public long Generation { get; private set; }

    /// <summary>What the newest state says.</summary>
    public void Apply(MixerId self, TrunkPlan? plan)
    {
        (_self, _plan) = (self, plan);
        TakesOver = plan is not null && plan.Peers.Any(p => p.Mixer.Number == self.Number && p.Mixer.Incarnation < self.Incarnation);
        for (var i = _receivers.Count - 1; i >= 0; i--)
        {
            var peer = _receivers[i].Peer;
            if (plan is null || !plan.Peers.Any(p => p.Mixer == peer)) Drop(i);
        }

        if (plan is null)
        {
            _sender.Stop();
            _keys?.Dispose();
            (_keys, Generation) = (null, 0);
            return;
        }

        foreach (var peer in plan.Peers)
        {
            if (Find(peer.Mixer) is not { } known) _receivers.Add(known = new TrunkReceiver(peer.Mixer, plan.Generation, settings));
            known.Address = peer.Address ?? known.Address;
        }

        Begin();
    }

    /// <summary>The keys of a generation, before or after the state that names it. Takes ownership.</summary>
    public void Install(TrunkKeys keys)
    {
        if (keys.Generation <= Generation || keys.Generation <= _keys?.Generation)
        {
            keys.Dispose();
            return;
        }

        _keys?.Dispose();
        _keys = keys;
        Begin();
    }

    public void Receive(Span<byte> packet)
    {
        if (RtpHeader.TryRead(packet, out var header, out _))
        {
            foreach (var receiver in _receivers)
            {
                if (!receiver.Knows(header.Ssrc)) continue;
                receiver.Receive(packet);
                return;
            }
        }

        _refused++;
    }

    /// <summary>Every 20 ms, before anything that others sent is in the mix: what goes to them.</summary>
    /// <param name="heard">How many of our legs are in it.</param>
    public void Send(int heard, ReadOnlySpan<short> mix, Contributors contributors, ulong tick, TimeSpan now, IMediaSink sink)
    {
        var packet = _sender.Make(heard > 0, mix, contributors, tick, now);
        if (packet.IsEmpty) return;
        var generation = _sender.Generation;
        var newcomers = 0;
        foreach (var receiver in _receivers)
        {
            if (receiver.Since > generation) newcomers++;
            else if (receiver.Address is { } address) sink.Send(ConferenceMixer.TrunkSlot, rtcp: false, packet, address);
        }

        if (newcomers == 0 || _sender.MakeNext(mix, tick) is not { IsEmpty: false } other) return;
        foreach (var receiver in _receivers)
            if (receiver.Since > generation && receiver.Address is { } address)
                sink.Send(ConferenceMixer.TrunkSlot, rtcp: false, other, address);
    }

    public void OfferTo(DominantSpeaker dominant, float speech)
    {
        foreach (var receiver in _receivers) receiver.OfferTo(dominant, speech);
    }

    public TrunkReport Report()
    {
        var (received, refused, delay) = (_receivedBefore, _refusedBefore + _refused, TimeSpan.Zero);
        foreach (var receiver in _receivers)
        {
            received += receiver.Received;
            refused += receiver.Refused;
            if (receiver.Delay > delay) delay = receiver.Delay;
        }

        return new TrunkReport(null, Generation, _sender.Sent, received, refused) { DelayMilliseconds = (uint)delay.TotalMilliseconds };
    }

    public void Dispose()
    {
        while (_receivers.Count > 0) Drop(_receivers.Count - 1);
        _sender.Dispose();
        _keys?.Dispose();
        _keys = null;
    }

    /// <summary>With the plan and its keys.</summary>
    private void Begin()
    {
        if (_plan is not { } plan || _keys is not { } keys || keys.Generation != plan.Generation) return;
        foreach (var receiver in _receivers)
            if (keys.Of(receiver.Peer) is { } theirs)
                receiver.Use(TrunkPlan.SsrcOf(plan.Generation, plan.PlaceOf(receiver.Peer, _self)), theirs.Copy());
        if (keys.Of(_self) is { } ours) _sender.Use(plan.Generation, TrunkPlan.SsrcOf(plan.Generation, plan.PlaceOf(_self, _self)), ours.Copy());
        Generation = plan.Generation;
        keys.Dispose();
        _keys = null;
    }

    private TrunkReceiver? Find(MixerId peer)
    {
        foreach (var receiver in _receivers)
            if (receiver.Peer == peer)
                return receiver;
        return null;
    }

    private void Drop(int at)
    {
        _receivedBefore += _receivers[at].Received;
        _refusedBefore += _receivers[at].Refused;
        _receivers[at].Dispose();
        _receivers.RemoveAt(at);
    }
}
