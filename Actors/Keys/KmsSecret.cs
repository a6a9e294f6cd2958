using ConfCluster.Actors.Settings;
using ConfCluster.Protocols.Mikey;
using ConfCluster.Protocols.Mikey.Certificates;
using ConfCluster.Protocols.Mikey.Exchanges;
using ConfCluster.Protocols.Wire;

namespace ConfCluster.Actors.Keys;

/// <summary>What a user proves itself with to its KMS: a pre-shared key, or an RSA key with its certificate. Owns either.</summary>
public sealed class KmsSecret : IDisposable
{
    private readonly SecretBytes? _psk;
    private readonly CertifiedUser? _certified;

    private KmsSecret(SecretBytes? psk, CertifiedUser? certified) => (_psk, _certified) = (psk, certified);

    /// <summary>Null, with a sentence.</summary>
    /// <param name="rsa">Null: <paramref name="pskFile"/> counts.</param>
    public static KmsSecret? Read(string pskFile, (string Certificate, string Key, string Kms)? rsa, out string problem)
    {
        if (rsa is not { } files)
        {
            var psk = SecretFile.Read(pskFile, 0, out problem);
            return psk is null ? null : new KmsSecret(psk, null);
        }

        var kms = RsaFiles.ReadCertificates(files.Kms, out problem);
        if (kms.IsEmpty) return null;
        if (PublicRsa.Of(kms[0]) is null)
        {
            problem = $"{files.Kms} is no certificate of an RSA key that can be used.";
            return null;
        }

        var own = RsaFiles.ReadKey(files.Certificate, files.Key, out problem);
        return own is null ? null : new KmsSecret(null, new CertifiedUser(own, kms[0]));
    }

    /// <summary>Borrowed; null: it is a certificate.</summary>
    public SecretBytes? Psk => _psk;

    public KmsCredential Of(Identity self, Identity kms) => new(self, kms, _psk, null) { Certified = _certified };

    public void Dispose()
    {
        _psk?.Dispose();
        _certified?.Own.Dispose();
    }

    public override string ToString() => _psk is null ? "<a certificate>" : "<a pre-shared key>";
}
