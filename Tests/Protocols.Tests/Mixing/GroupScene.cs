using System.Collections.Immutable;
using ConfCluster.Protocols.Codecs;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Mixing;
using ConfCluster.Protocols.Rtp;
using ConfCluster.Protocols.Srtp;
using ConfCluster.Protocols.Wire;

namespace ConfCluster.Protocols.Tests.Mixing;

/// <summary>A mixer with group keys, and phones that hold them.</summary>
internal sealed class GroupScene(SecretWriter? draws = null)
{
    private static readonly byte[] Voice = [.. Enumerable.Range(0, 160).Select(i => G711.Encode(AudioCodec.Pcmu, (short)(8000 * Math.Sin(i * 0.3))))];
    private static readonly byte[] Silence = [.. Enumerable.Repeat((byte)0xFF, 160)];
    private readonly Dictionary<uint, GroupKey> _keys = [];
    private long _version = 1000;

    public MixerScene Mixer { get; } = new(draws: draws);

    public ImmutableArray<Ssrc> Ssrcs { get; set; } = [.. Enumerable.Range(1, 16).Select(i => new Ssrc((uint)(0xC000 + i)))];

    public List<MixerPhone> Phones => Mixer.Phones;

    public MixerPhone[] Group(int count, int? present = null)
    {
        NewKey(1);
        for (var i = 0; i < count; i++)
        {
            var phone = Mixer.Phone(AudioCodec.Pcmu);
            phone.Hold(_keys[1]);
            (phone.Epoch, phone.Mode, phone.IsIn) = (1, LegKeyMode.ByMki, i < (present ?? count));
        }

        Wish();
        return [.. Phones];
    }

    public StreamWork Work()
    {
        var tally = new StreamTally();
        Mixer.Mixer.AddWork(tally);
        return tally.Sums().Values.Aggregate(StreamWork.Add);
    }

    public GroupKey Key(uint epoch) => _keys[epoch];

    public GroupKey NewKey(uint epoch)
    {
        var key = _keys[epoch] = GroupKey.Generate(new KeyEpoch(epoch), [SrtpProfile.AesCm128HmacSha1Tag80], Mixer.Fill);
        Mixer.Mixer.SetGroupKey(key.Copy());
        return key;
    }

    public void Wish(params uint[] epochs) => Wish(epochs.Length == 0 ? [.. _keys.Keys] : epochs.AsEnumerable());

    public void Wish(IEnumerable<uint> epochs) => Mixer.Mixer.SetState(
        new MixerState(
            new MixerId(new ConferenceId("100"), 0, 1), new Incarnation(1), ++_version,
            [.. Phones.Where(p => p.IsIn).Select(p => new MixerLeg(p.Id, p.Own, new LegKeyUse(p.Mode, new KeyEpoch(p.Epoch))) { Uplink = p.Registered })])
        {
            Epochs = [.. epochs.Select(e => new KeyEpoch(e))],
            SharedSsrcs = Ssrcs,
        });

    public void Run(int ticks, params MixerPhone[] talkers)
    {
        for (var i = 0; i < ticks; i++)
        {
            foreach (var talker in talkers) talker.Say(i < ticks - 3 ? Voice : Silence);
            Mixer.Tick();
            if (ticks > 1000) Mixer.Sent.Clear();
        }
    }
}
