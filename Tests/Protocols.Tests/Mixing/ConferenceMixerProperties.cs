using ConfCluster.Protocols.Mixing;
using ConfCluster.Protocols.Rtp;
using CsCheck;
using Xunit;

namespace ConfCluster.Protocols.Tests.Mixing;

public class ConferenceMixerProperties
{
    /// <summary>Steps: 0 open and set, 1 close, 2 and 3 admit a subset, 4 other SSRC, 5 rekey, 6 repeat the offer, 7 hold or resume, else tick.</summary>
    private static readonly Gen<(int Step, int Phone)[]> Lives = Gen.Select(Gen.Int[0, 12], Gen.Int[0, 255]).Array[1, 200];

    [Fact]
    [Trait("RFC", "3711 §9.1")]
    public void No_key_SSRC_and_index_ever_protects_two_packets() => Lives.Sample(life =>
    {
        var scene = new MixerScene((ulong)life.Length);
        var phones = Enumerable.Range(0, 3).Select(_ => scene.Phone()).ToArray();
        var keys = phones.ToDictionary(p => p, _ => 0);
        var seen = new Dictionary<(int Slot, int Key, Ssrc Ssrc, ushort Sequence), byte[]>();
        var open = phones.ToHashSet();
        foreach (var (step, n) in life)
        {
            var phone = phones[n % phones.Length];
            switch (step)
            {
                case 0: if (open.Add(phone)) scene.Open(phone); break;
                case 1: if (open.Remove(phone)) scene.Mixer.CloseLeg(phone.Id); break;
                case 2 or 3: scene.Admit([.. phones.Where((_, i) => (n >> i & 1) != 0)]); break;
                case 4: phone.Ssrc = new Ssrc((uint)(0xA000 + 16 * (n % phones.Length) + n % 4)); scene.Admit(phones); break;
                case 5: if (open.Contains(phone)) { phone.Rekey(); keys[phone]++; } break;
                case 6: if (open.Contains(phone)) phone.Renegotiate(); break;
                case 7:
                    phone.Direction = phone.Direction.Send ? MediaDirection.Inactive : MediaDirection.SendReceive;
                    if (open.Contains(phone)) phone.Renegotiate();
                    break;
                default: scene.Tick(); break;
            }

            foreach (var p in phones)
            {
                foreach (var (header, codes) in p.Heard)
                    Assert.True(seen.TryAdd((Array.IndexOf(phones, p), keys[p], header.Ssrc, header.Sequence), codes), $"{header} came twice");
                p.Heard.Clear();

                // A phone that is open reads all it is sent: SRTCP indices that came twice would be replays too.
                Assert.Equal(0, p.Unreadable);
            }
        }
    });
}
