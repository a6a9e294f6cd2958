using System.Collections.Immutable;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using ConfCluster.Protocols.Wire;

namespace ConfCluster.Protocols.Mikey.Kms;

/// <summary>A user of the KMS. Owns the key.</summary>
/// <param name="Name">The URI that it is called by, and the name of its pre-shared key, or in its certificate.</param>
/// <param name="Psk">Null: it has a certificate.</param>
/// <param name="Answers">For whom else it resolves tickets, and in whose name it may ask for some: URIs, or sip:*@HOST for all names at a host.</param>
public sealed record KmsUser(string Name, SecretBytes? Psk, ImmutableArray<string> Answers, bool IsRevoked) : IDisposable
{
    private const string Wildcard = "*@";

    /// <summary>Case counts; a URI is compared as it is written.</summary>
    public bool AnswersFor(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return name == Name || Answers.Any(pattern => Matches(pattern, name));
    }

    public void Dispose() => Psk?.Dispose();

    public override string ToString() => Name;

    private static bool Matches(string pattern, string name)
    {
        var star = pattern.IndexOf(Wildcard, StringComparison.Ordinal);
        if (star < 0) return pattern == name;
        var (scheme, host) = (pattern[..star], pattern[(star + 1)..]);
        return name.StartsWith(scheme, StringComparison.Ordinal) && name.EndsWith(host, StringComparison.Ordinal) && name.IndexOf('@') == name.Length - host.Length;
    }
}

/// <summary>
/// The users of a KMS as lines of a file: name, state, key, patterns, with a space between. The key is wrapped (AES-256-GCM, the name
/// authenticated), so that the file alone tells no key; of a user with a certificate nothing is wrapped but that. Owns the users.
/// </summary>
public sealed class KmsUserTable : IDisposable
{
    public const int PskLength = 32;

    /// <summary>Octets of the key that wraps.</summary>
    public const int KeyLength = 32;

    private const int NonceLength = 12;
    private const int TagLength = 16;
    private const string Active = "active";
    private const string Revoked = "revoked";

    private readonly ImmutableSortedDictionary<string, KmsUser> _users;

    private KmsUserTable(ImmutableSortedDictionary<string, KmsUser> users) => _users = users;

    public static KmsUserTable Empty => new(ImmutableSortedDictionary.Create<string, KmsUser>(StringComparer.Ordinal));

    public IEnumerable<KmsUser> Users => _users.Values;

    public KmsUser? Find(string name) => _users.GetValueOrDefault(name);

    /// <summary>Takes the user over; one of that name is replaced.</summary>
    public KmsUserTable With(KmsUser user) => new(_users.SetItem(user.Name, user));

    public KmsUserTable Without(string name) => new(_users.Remove(name));

    /// <summary>A URI without spaces, of a length that a message carries.</summary>
    public static bool IsName(string name) => name is { Length: > 0 and <= 256 } && name.Contains(':', StringComparison.Ordinal) && name.All(c => c is > ' ' and <= '~');

    public static bool TryRead(string text, SecretBytes key, out KmsUserTable? table, out int line)
    {
        ArgumentNullException.ThrowIfNull(text);
        ArgumentNullException.ThrowIfNull(key);
        var users = ImmutableSortedDictionary.CreateBuilder<string, KmsUser>(StringComparer.Ordinal);
        (table, line) = (null, 0);
        foreach (var raw in text.Split('\n'))
        {
            line++;
            var parts = raw.Trim().Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (parts.Length == 0) continue;
            if (parts.Length >= 3 && IsName(parts[0]) && parts[1] is Active or Revoked && TryUnwrap(parts[2], parts[0], key, out var psk)
                && users.TryAdd(parts[0], new KmsUser(parts[0], psk, [.. parts[3..]], parts[1] == Revoked))) continue;
            foreach (var user in users.Values) user.Dispose();
            return false;
        }

        table = new KmsUserTable(users.ToImmutable());
        return true;
    }

    public string Write(SecretBytes key, SecretWriter random)
    {
        ArgumentNullException.ThrowIfNull(key);
        ArgumentNullException.ThrowIfNull(random);
        var text = new StringBuilder();
        foreach (var user in Users)
        {
            text.Append(CultureInfo.InvariantCulture, $"{user.Name} {(user.IsRevoked ? Revoked : Active)} {Wrap(user, key, random)}");
            foreach (var pattern in user.Answers) text.Append(' ').Append(pattern);
            text.Append('\n');
        }

        return text.ToString();
    }

    public void Dispose()
    {
        foreach (var user in Users) user.Dispose();
    }

    private static string Wrap(KmsUser user, SecretBytes key, SecretWriter random)
    {
        var length = user.Psk?.Length ?? 0;
        var wrapped = new byte[NonceLength + length + TagLength];
        random(wrapped.AsSpan(0, NonceLength));
        using var gcm = new AesGcm(key.Reveal(), TagLength);
        gcm.Encrypt(
            wrapped.AsSpan(0, NonceLength), user.Psk is { } psk ? psk.Reveal() : default, wrapped.AsSpan(NonceLength, length), wrapped.AsSpan(^TagLength),
            Encoding.UTF8.GetBytes(user.Name));
        return Convert.ToHexStringLower(wrapped);
    }

    /// <summary>False: not wrapped with this key, or for somebody else. Null: nothing was wrapped, so its certificate counts.</summary>
    private static bool TryUnwrap(string hex, string name, SecretBytes key, out SecretBytes? psk)
    {
        psk = null;
        var wrapped = new byte[hex.Length / 2];
        if (hex.Length % 2 != 0 || Convert.FromHexString(hex, wrapped, out _, out _) != System.Buffers.OperationStatus.Done) return false;
        var length = wrapped.Length - NonceLength - TagLength;
        if (length is not 0 and < 16) return false;
        using var gcm = new AesGcm(key.Reveal(), TagLength);
        try
        {
            var opened = SecretBytes.Create(length, plain => gcm.Decrypt(
                wrapped.AsSpan(0, NonceLength), wrapped.AsSpan(NonceLength, length), wrapped.AsSpan(^TagLength), plain, Encoding.UTF8.GetBytes(name)));
            psk = length == 0 ? null : opened;
            return true;
        }
        catch (AuthenticationTagMismatchException)
        {
            return false;
        }
    }
}
