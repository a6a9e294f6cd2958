using System.Buffers.Binary;
using ConfCluster.Protocols.Codecs;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Mixing;
using ConfCluster.Protocols.Rtp;
using CsCheck;
using Xunit;

namespace ConfCluster.Protocols.Tests.Mixing;

/// <summary>K6 of the architecture as the wire shows it: whatever happens to legs and epochs, no key protects two packets with the same numbers.</summary>
public class KeyReuseProperties
{
    private static readonly Gen<(int Step, int N)[]> Lives = Gen.Select(Gen.Int[0, 17], Gen.Int[0, 255]).Array[1, 100];

    [Fact]
    [Trait("RFC", "3711 §9.1")]
    [Trait("RFC", "3711 §3.4")]
    public void No_key_of_a_leg_or_an_epoch_protects_two_packets_with_one_SSRC_and_index() => Lives.Sample(life =>
    {
        var world = new World();
        foreach (var (step, n) in life) world.Do(step, n);
    });

    private sealed class World
    {
        private static readonly LegKeyMode[] Modes = [LegKeyMode.ByMki, LegKeyMode.ByMki, LegKeyMode.Own, LegKeyMode.AsBefore, LegKeyMode.None];
        /// <summary>Each sequence begins at zero, so that one that is forgotten comes again at once.</summary>
        private readonly GroupScene _scene = new(bytes => bytes.Clear());
        private readonly MixerPhone[] _phones;
        private readonly HashSet<MixerPhone> _open;
        private readonly Dictionary<MixerPhone, int> _ownKeys;
        private readonly Dictionary<(string Key, bool Rtcp, uint Ssrc, uint Index), byte[]> _seen = [];
        private readonly Dictionary<uint, uint> _reports = [];
        private uint _epoch = 1;

        public World()
        {
            _phones = _scene.Group(4);
            _open = [.. _phones];
            _ownKeys = _phones.ToDictionary(p => p, _ => 0);
        }

        public void Do(int step, int n)
        {
            var at = n % _phones.Length;
            var phone = _phones[at];
            switch (step)
            {
                case 0: OpenOrClose(phone); break;
                case 1: phone.IsIn = !phone.IsIn; break;
                case 2 or 3: Begin(); break;
                case 4: phone.Epoch = 1 + (uint)n / 4 % _epoch; break;
                case 5: phone.Mode = Modes[n / 4 % Modes.Length]; break;
                case 6: phone.Rekey(); _ownKeys[phone]++; break;
                case 7: phone.Extensions = phone.Extensions.Equals(default) ? new ExtensionIds(0, false, 7) : default; break;
                case 8: phone.Direction = phone.Direction.Send ? MediaDirection.Inactive : MediaDirection.SendReceive; break;
                case 9: phone.Codec = phone.Codec == AudioCodec.Pcmu ? AudioCodec.Pcma : AudioCodec.Pcmu; break;
                case 10: phone.Ssrc = new Ssrc((uint)(0xA100 + 16 * at + n / 4 % 4)); break;
                case 11: _scene.Ssrcs = _scene.Ssrcs.Add(new Ssrc((uint)(0xD000 + _scene.Ssrcs.Length))); break;
                default: _scene.Run(n % 24 + 4, [.. _phones.Where((p, i) => (n >> i & 1) != 0 && _open.Contains(p))]); break;
            }

            if (step is 7 or 8 or 9) phone.Renegotiate();
            if (step < 12) _scene.Wish();
            foreach (var sent in _scene.Mixer.Sent) Check(sent.Slot, sent.Rtcp || RtpHeader.LooksLikeRtcp(sent.Packet), sent.Packet);
            _scene.Mixer.Sent.Clear();
        }

        private void OpenOrClose(MixerPhone phone)
        {
            if (_open.Add(phone))
            {
                _scene.Mixer.Open(phone);
                return;
            }

            _open.Remove(phone);
            _scene.Mixer.Mixer.CloseLeg(phone.Id);
        }

        private void Begin()
        {
            var key = _scene.NewKey(++_epoch);
            foreach (var phone in _phones) phone.Hold(key);
        }

        /// <summary>
        /// The same packet may go to many; two that differ may not have the same key, SSRC and index. The index of SRTCP goes on under whatever key
        /// (RFC 3711 §3.4): a receiver keeps one window for all keys of a source.
        /// </summary>
        private void Check(int slot, bool rtcp, byte[] packet)
        {
            var mki = BinaryPrimitives.ReadUInt32BigEndian(packet.AsSpan()[^14..^10]);
            var isGroup = mki >= 1 && mki <= _epoch;
            var phone = _open.Single(p => p.Slot == slot);
            var key = isGroup ? $"epoch {mki}" : $"{phone.Id}, its key {_ownKeys[phone]}";
            var ssrc = BinaryPrimitives.ReadUInt32BigEndian(packet.AsSpan(rtcp ? 4 : 8));
            var index = !rtcp ? BinaryPrimitives.ReadUInt16BigEndian(packet.AsSpan(2))
                : BinaryPrimitives.ReadUInt32BigEndian(packet.AsSpan()[(isGroup ? ^18 : ^14)..]) & 0x7FFFFFFF;
            if (!_seen.TryAdd((key, rtcp, ssrc, index), packet))
                Assert.True(_seen[(key, rtcp, ssrc, index)].AsSpan().SequenceEqual(packet), $"{(rtcp ? "SRTCP" : "SRTP")} {index} of {ssrc:x} twice under {key}");
            if (!rtcp) return;
            Assert.True(!_reports.TryGetValue(ssrc, out var last) || index > last, $"SRTCP {index} of {ssrc:x} after {last}, now under {key}");
            _reports[ssrc] = index;
        }
    }
}
