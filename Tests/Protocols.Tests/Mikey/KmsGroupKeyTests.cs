using ConfCluster.Protocols.KeyManagement;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Mikey;
using ConfCluster.Protocols.Mikey.Exchanges;
using ConfCluster.Protocols.Mikey.Payloads;
using ConfCluster.Protocols.Srtp;
using Xunit;

namespace ConfCluster.Protocols.Tests.Mikey;

/// <summary>Group keys that a KMS makes for a focus.</summary>
[Trait("RFC", "6043 §4.2.1.5")]
public sealed class KmsGroupKeyTests
{
    [Fact]
    public void A_request_brings_as_many_GTGKs_as_are_wished_for_each_of_them_another()
    {
        var kms = new KmsScene(MikeySuite.Aes256);
        using var granted = kms.Granted(KmsGroupKey.Wanted(KmsScene.Room, 3), KmsScene.Room);
        var keys = KmsGroupKey.Of(granted);
        Assert.Equal([32, 32, 32], keys.Select(k => k.Length));
        Assert.False(keys[0].FixedTimeEquals(keys[1]) || keys[1].FixedTimeEquals(keys[2]) || keys[0].FixedTimeEquals(keys[2]));
        Assert.Null(granted.Ticket.Policy.Wish);
        foreach (var key in keys) key.Dispose();
    }

    [Fact]
    [Trait("RFC", "6043 §5.1.3")]
    public void Every_suite_of_an_epoch_has_a_key_of_its_own_which_a_CS_ID_and_both_secrets_give()
    {
        using var gtgk = Protocols.Wire.SecretBytes.Create(32, s => s.Fill(9));
        var rand = Octets.CopyOf([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]);
        using var key = KmsGroupKey.Derive(gtgk, rand, new KeyEpoch(7), SrtpProfile.All);
        Assert.Equal(SrtpProfile.All.Select(p => p.Name), key.Keys.Select(k => k.Profile.Name));
        Assert.All(key.Keys, k => Assert.Equal(GroupKey.MkiOf(new KeyEpoch(7)), k.Mki));
        Assert.Equal(key.Keys.Length, key.Keys.Select(k => Convert.ToHexString(k.RevealKey())).Distinct().Count());
        for (var i = 0; i < SrtpProfile.All.Length; i++)
        {
            var label = ConfCluster.Protocols.Mikey.KeyLabel.Session((byte)(i + 1), rand, Octets.Empty);
            using var tek = MessageKeys.Derive(PrfFunction.HmacSha256, gtgk, KeyPurpose.Tek, label, SrtpProfile.All[i].KeyLength);
            using var salt = MessageKeys.Derive(PrfFunction.HmacSha256, gtgk, KeyPurpose.SessionSalt, label, SrtpProfile.All[i].SaltLength);
            Assert.True(key.Keys[i].RevealKey().SequenceEqual(tek.Reveal()) && key.Keys[i].RevealSalt().SequenceEqual(salt.Reveal()));
        }

        using var other = KmsGroupKey.Derive(gtgk, Octets.Zero(16), new KeyEpoch(7), SrtpProfile.All);
        Assert.False(other.Keys[0].KeyAndSalt.FixedTimeEquals(key.Keys[0].KeyAndSalt));
    }
}
