using System.Collections.Immutable;
using System.Text;
using ConfCluster.Protocols.Wire;

namespace ConfCluster.Protocols.Sip.Authentication;

/// <summary>A user of a realm.</summary>
public readonly record struct UserName(string Realm, string Name);

/// <summary>
/// Who may call, with H(A1) for each algorithm and never the password. As text: <c>name:realm:algorithm:hex</c>, a line each; what begins
/// with "#" is a remark. H(A1) is worth as much as the password for its realm (RFC 7616 §5.2), so the table owns it and the text is bytes.
/// </summary>
public sealed class UserTable : IDisposable
{
    private static readonly Comparer<UserName> Order = Comparer<UserName>.Create((a, b) =>
        string.CompareOrdinal(a.Realm, b.Realm) is not 0 and var byRealm ? byRealm : string.CompareOrdinal(a.Name, b.Name));

    private readonly ImmutableSortedDictionary<UserName, ImmutableArray<(DigestAlgorithm Algorithm, SecretBytes Secret)>> _users;

    private UserTable(ImmutableSortedDictionary<UserName, ImmutableArray<(DigestAlgorithm, SecretBytes)>> users) => _users = users;

    public static UserTable Empty => new(ImmutableSortedDictionary<UserName, ImmutableArray<(DigestAlgorithm, SecretBytes)>>.Empty.WithComparers(Order));

    public IEnumerable<UserName> Users => _users.Keys;

    /// <summary>A name that can stand in the file and in a quoted string of a header (RFC 7616 §3.4: no colon in a user name).</summary>
    public static bool IsName(string text) =>
        text is { Length: > 0 and <= 128 } && text[0] != '#' && text.All(c => c is > '\x1f' and not (':' or '"' or '\\' or '\x7f')) && text.Trim() == text;

    /// <summary>False with the number of the line that cannot be read; nothing of it is kept.</summary>
    public static bool TryRead(ReadOnlySpan<byte> text, out UserTable? table, out int badLine)
    {
        var users = ImmutableSortedDictionary.CreateBuilder<UserName, ImmutableArray<(DigestAlgorithm, SecretBytes)>>(Order);
        (table, badLine) = (null, 0);
        foreach (var range in text.Split((byte)'\n'))
        {
            badLine++;
            var line = text[range].TrimEnd((byte)'\r');
            if (line.IsEmpty || line[0] == '#') continue;
            if (TryLine(line, out var user, out var algorithm, out var secret))
            {
                var known = users.GetValueOrDefault(user, []);
                if (!known.Any(k => k.Item1 == algorithm))
                {
                    users[user] = known.Add((algorithm!, secret!));
                    continue;
                }

                secret!.Dispose();
            }

            new UserTable(users.ToImmutable()).Dispose();
            return false;
        }

        (table, badLine) = (new UserTable(users.ToImmutable()), 0);
        return true;
    }

    /// <summary>For as long as the table lives; null: no such user, or not with that algorithm.</summary>
    public SecretBytes? Find(string name, string realm, DigestAlgorithm algorithm) =>
        _users.TryGetValue(new UserName(realm, name), out var secrets) ? secrets.FirstOrDefault(s => s.Algorithm == algorithm).Secret : null;

    /// <summary>A copy with this user's secrets made anew for every algorithm.</summary>
    public UserTable With(string name, string realm, SecretBytes password) => new(Copies().SetItem(
        new UserName(realm, name), [.. DigestAlgorithm.All.Select(a => (a, DigestComputation.Secret(a, name, realm, password)))]));

    /// <summary>A copy with the users of <paramref name="others"/> who are not in this table; for a user in both, this one's secrets count.</summary>
    public UserTable Over(UserTable others)
    {
        ArgumentNullException.ThrowIfNull(others);
        var all = Copies().ToBuilder();
        foreach (var (user, secrets) in others._users)
            if (!all.ContainsKey(user))
                all[user] = Copy(secrets);
        return new UserTable(all.ToImmutable());
    }

    public UserTable Without(UserName user) => new(Copies().Remove(user));

    /// <summary>The text of the table; the caller owns it.</summary>
    public SecretBytes Write()
    {
        var length = _users.Sum(u => u.Value.Sum(s => Head(u.Key, s.Algorithm).Length + s.Secret.Length + 1));
        return SecretBytes.Create(length, text =>
        {
            foreach (var (user, secrets) in _users)
            {
                foreach (var (algorithm, secret) in secrets)
                {
                    var head = Head(user, algorithm);
                    head.CopyTo(text);
                    secret.Reveal().CopyTo(text[head.Length..]);
                    text[head.Length + secret.Length] = (byte)'\n';
                    text = text[(head.Length + secret.Length + 1)..];
                }
            }
        });
    }

    public void Dispose()
    {
        foreach (var (_, secret) in _users.Values.SelectMany(s => s)) secret.Dispose();
    }

    private static byte[] Head(UserName user, DigestAlgorithm algorithm) => Encoding.UTF8.GetBytes($"{user.Name}:{user.Realm}:{algorithm.Name}:");

    private ImmutableSortedDictionary<UserName, ImmutableArray<(DigestAlgorithm Algorithm, SecretBytes Secret)>> Copies() =>
        _users.ToImmutableSortedDictionary(u => u.Key, u => Copy(u.Value), Order);

    private static ImmutableArray<(DigestAlgorithm Algorithm, SecretBytes Secret)> Copy(ImmutableArray<(DigestAlgorithm Algorithm, SecretBytes Secret)> secrets) =>
        [.. secrets.Select(s => (s.Algorithm, s.Secret.Copy()))];

    private static bool TryLine(ReadOnlySpan<byte> line, out UserName user, out DigestAlgorithm? algorithm, out SecretBytes? secret)
    {
        (user, algorithm, secret) = (default, null, null);
        Span<Range> parts = stackalloc Range[5];
        var source = line;
        var count = 0;
        foreach (var range in source.Split((byte)':'))
        {
            if (count == 4) return false;
            parts[count++] = range;
        }

        if (count != 4) return false;
        user = new UserName(Encoding.UTF8.GetString(line[parts[1]]), Encoding.UTF8.GetString(line[parts[0]]));
        algorithm = DigestAlgorithm.Find(Encoding.UTF8.GetString(line[parts[2]]));
        var hex = line[parts[3]];
        if (algorithm is null || hex.Length != 2 * algorithm.Length || !IsName(user.Name) || !IsName(user.Realm)) return false;
        foreach (var c in hex)
            if (!char.IsAsciiHexDigitLower((char)c))
                return false;
        secret = SecretBytes.CopyOf(hex);
        return true;
    }
}
