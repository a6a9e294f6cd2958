using ConfCluster.Protocols.Codecs;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Rtp;
using ConfCluster.Protocols.Srtp;

namespace ConfCluster.Protocols.Mixing;

/// <summary>What comes from another mixer: opened, put in order, decoded, and who is in it. Only authentic packets change anything but a counter.</summary>
internal sealed class TrunkReceiver(MixerId peer, long since, MixerSettings settings) : IDisposable
{
    /// <summary>Generations whose last packets may still be on their way.</summary>
    private const int MaxFormer = 3;

    /// <summary>In 20 ms it falls by so many decibels, as <see cref="SpeechLevel"/>.</summary>
    private const float Fall = 1;

    private readonly SourcePlayout _playout = new(OfTrunk(settings));
    private readonly UplinkKeys _keys = new();
    private readonly (Ssrc Source, byte Level)[] _talkers = new (Ssrc, byte)[RtpHeader.MaxCsrcs];
    private readonly Dictionary<Ssrc, Talker> _known = [];
    private readonly List<Ssrc> _former = [];
    private Ssrc? _playing;
    private int _count;

    public MixerId Peer { get; } = peer;

    /// <summary>The generation of keys with which it came: it has none of those before.</summary>
    public long Since { get; } = since;

    /// <summary>Where it takes packets; null: unknown.</summary>
    public MediaAddress? Address { get; set; }

    /// <summary>Under which its packets come, or are about to.</summary>
    public Ssrc Ssrc { get; private set; }

    public ulong Received { get; private set; }

    public ulong Refused { get; private set; }

    public TimeSpan Delay => _playout.Delay;

    /// <summary>Who is in <see cref="Frame"/>, as the newest packet said.</summary>
    public ReadOnlySpan<(Ssrc Source, byte Level)> Heard => _talkers.AsSpan(0, _count);

    /// <summary>The last frame, there after <see cref="Play"/> said true.</summary>
    public FrameSpread Frame => _playout.Frame;

    /// <summary>Its next keys; those of before open packets for two seconds more. Takes the key over.</summary>
    public void Use(Ssrc ssrc, MasterKey key)
    {
        if (ssrc != Ssrc && Ssrc.Value != 0) _former.Insert(0, Ssrc);
        if (_former.Count > MaxFormer) _former.RemoveAt(MaxFormer);
        Ssrc = ssrc;
        _keys.Use([key], moved: true);
    }

    public bool Knows(Ssrc ssrc) => ssrc == Ssrc && ssrc.Value != 0 || _former.Contains(ssrc);

    public void Receive(Span<byte> packet)
    {
        if (_keys.Open(packet, out var header, out var length, out _) != UnprotectError.None || !Knows(header.Ssrc)
            || !header.TryPayload(packet[..length], out var payload))
        {
            Refused++;
            return;
        }

        // What is on its way under the keys of before belongs before what comes under the new ones.
        var former = header.Ssrc != Ssrc && _playing == Ssrc;
        if (!former && _playing is { } before && before != header.Ssrc) _playout.Follow();
        if (!former) _playing = header.Ssrc;
        if (!_playout.Put(former, header.Sequence, header.Timestamp, AudioCodec.L16, payload))
        {
            Refused++;
            return;
        }

        Received++;
        if (!former) Name(header, packet);
    }

    /// <summary>Every 20 ms.</summary>
    /// <returns>True: <see cref="Frame"/> is to be mixed.</returns>
    public bool Play(Contributors contributors, TimeSpan now)
    {
        _keys.Age(now);
        if (_playout.Take(decode: true) == PlayoutOutcome.Silent)
        {
            _count = 0;
            return false;
        }

        for (var i = 0; i < _count; i++) contributors.Add(Contributors.Elsewhere, _talkers[i].Source, _talkers[i].Level);
        return true;
    }

    /// <summary>Every 20 ms: they may have the word, too, and then nobody here has.</summary>
    /// <param name="speech">Decibels above digital silence, from which on somebody speaks.</param>
    public void OfferTo(DominantSpeaker dominant, float speech)
    {
        foreach (var talker in _known.Values)
        {
            if (talker.Loudness >= speech) dominant.Offer(talker.Id, talker.Loudness);
            talker.Loudness -= Fall;
        }
    }

    public void Dispose()
    {
        _keys.Dispose();
        _playout.Dispose();
    }

    /// <summary>A way between our own nodes: it begins with little delay, and takes more where it finds that it must.</summary>
    private static MixerSettings OfTrunk(MixerSettings settings) =>
        settings with { JitterPackets = 1, MinJitterPackets = 1, MaxJitterPackets = Math.Max(1, settings.MaxJitterPackets) };

    private void Name(in RtpHeader header, ReadOnlySpan<byte> packet)
    {
        _count = header.CsrcCount;
        for (var i = 0; i < _count; i++)
        {
            MixedAudioLevels.TryRead(header, packet, TrunkSender.Levels, i, out var level);
            _talkers[i] = (header.Csrc(packet, i), level);
            if (!_known.TryGetValue(_talkers[i].Source, out var talker))
            {
                // Whoever has not talked for long is forgotten; many come and go in a long conference.
                if (_known.Count >= 4 * RtpHeader.MaxCsrcs) _known.Clear();
                _known[_talkers[i].Source] = talker = new Talker(new ParticipantId($"{Peer} {_talkers[i].Source}"));
            }

            talker.Loudness = Math.Max(talker.Loudness, AudioLevel.Silence - level);
        }
    }

    /// <param name="id">No participant's: it stands for somebody at the other mixer.</param>
    private sealed class Talker(ParticipantId id)
    {
        public ParticipantId Id => id;

        /// <summary>Decibels above digital silence.</summary>
        public float Loudness { get; set; }
    }
}
