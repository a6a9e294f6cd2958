using System.Security.Cryptography;
using ConfCluster.Actors.Settings;
using ConfCluster.Protocols.Mikey;
using ConfCluster.Protocols.Mikey.Certificates;
using ConfCluster.Protocols.Mikey.Exchanges;
using ConfCluster.Protocols.Mikey.Kms;
using ConfCluster.Protocols.Wire;

namespace ConfCluster.Actors.Keys;

/// <summary>
/// The KMS of a node: one message at a time through <see cref="KmsServer"/>, with the files that every KMS node of a cluster has. It keeps
/// nothing of a ticket.
/// </summary>
public sealed class KeyManagementServer : IDisposable
{
    /// <summary>RFC 3830 §5.4.</summary>
    private static readonly TimeSpan Skew = TimeSpan.FromMinutes(1);

    private readonly Lock _one = new();
    private readonly KmsSettings _settings;
    private readonly TimeProvider _clock;
    private readonly SecretBytes _key;
    private readonly KmsUserFile _users;
    private readonly TicketProtectionKeys _ticketKeys;
    private readonly ReplayCache _replays;
    private readonly CertifiedKey? _rsa;
    private readonly KmsCertificates? _certificates;

    private KeyManagementServer(KmsSettings settings, SecretBytes key, CertifiedKey? rsa, CertificateTrust? trust, TimeProvider clock)
    {
        (_settings, _key, _clock, _rsa) = (settings, key, clock, rsa);
        _certificates = rsa is null ? null : new KmsCertificates(rsa, trust!);
        _users = new KmsUserFile(settings.UserFile, key);
        _ticketKeys = new TicketProtectionKeys(key, settings.Rules.KeyPeriod);
        _replays = new ReplayCache(settings.MaxReplays, Skew);

        // Who plays a message of the life before is refused, but for what a fast clock dated ahead.
        _replays.Forget(clock.GetUtcNow() - Skew);
    }

    /// <summary>Null, with a sentence, when it cannot have its key.</summary>
    public static KeyManagementServer? Open(KmsSettings settings, TimeProvider clock, out string problem)
    {
        ArgumentNullException.ThrowIfNull(settings);
        ArgumentNullException.ThrowIfNull(clock);
        var key = SecretFile.Open(settings.KeyFile, KmsUserTable.KeyLength, out problem);
        if (key is null) return null;
        if (settings.Rsa is not { } files) return new KeyManagementServer(settings, key, null, null, clock);
        var roots = RsaFiles.ReadCertificates(files.Trust, out problem);
        if (!roots.IsEmpty && RsaFiles.ReadKey(files.Certificate, files.Key, out problem) is { } rsa)
            return new KeyManagementServer(settings, key, rsa, new CertificateTrust(roots), clock);
        key.Dispose();
        return null;
    }

    /// <param name="complaint">About the user file; null: none.</param>
    public KmsAnswer Answer(ReadOnlySpan<byte> message, out string? complaint)
    {
        var octets = Octets.CopyOf(message);
        lock (_one)
        {
            complaint = _users.Refresh();
            var now = _clock.GetUtcNow();
            var register = new KmsRegister(_users.Users, _settings.Rules, _ticketKeys, now, _certificates);
            return KmsServer.Answer(octets, register, _replays, new ExchangeContext(now, RandomNumberGenerator.Fill, Skew));
        }
    }

    public void Dispose()
    {
        _rsa?.Dispose();
        _ticketKeys.Dispose();
        _users.Dispose();
        _key.Dispose();
    }
}
