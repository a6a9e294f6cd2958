using System.Security.Cryptography;
using System.Text;
using ConfCluster.Protocols.Sip.Authentication;

namespace ConfCluster.Actors.Settings;

/// <param name="UserFile">Who may call, with hashed secrets.</param>
public sealed record AuthSettings(AuthenticationPolicy Policy, string UserFile)
{
    public static readonly AuthSettings Off = new(AuthenticationPolicy.Off, "");

    /// <summary>Who else may call, named in the settings themselves. A user who is in the file too has the file's secrets.</summary>
    public UserTable Users { get; init; } = UserTable.Empty;
}

/// <summary>The settings under <c>auth</c>.</summary>
internal static class AuthSettingsReader
{
    public static AuthSettings Read(SettingsScope read, string dataDirectory)
    {
        var realm = read.Text("auth.realm");
        if (!UserTable.IsName(realm)) read.Refuse("auth.realm", realm, "a name without colon, quote or backslash", "");
        var policy = new AuthenticationPolicy(
            read.OneOf("auth.required", ("off", false), ("on", true)), realm,
            read.List("auth.algorithms", DigestAlgorithm.All.Select(a => a.Name), name => DigestAlgorithm.All.FirstOrDefault(a => a.Name == name)))
        {
            Agents = read.Readable<AgentAlgorithms>("auth.user-agents", "texts such as \"Acme Phone/1 = MD5\"", AgentAlgorithms.TryRead),
            TrustedPeers = read.Readable<TrustedPeer>(
                "auth.trusted-peers", "addresses, networks such as 192.0.2.0/24, or DNS names of certificates", TrustedPeer.TryRead),
            ChallengesOptions = read.Switch("auth.challenge-options"),
            NonceLifetime = read.Duration("auth.nonce-lifetime", TimeSpan.FromSeconds(1), TimeSpan.FromHours(1)),
            MaxNonces = read.Number("auth.max-nonces", 100, 10_000_000),
        };
        var file = read.Text("auth.user-file");
        return new AuthSettings(policy, file.Length > 0 ? file : Path.Combine(dataDirectory, "users")) { Users = ReadUsers(read) };
    }

    /// <summary>What is wrong is told by its place in the list: the text holds what is as good as a password.</summary>
    private static UserTable ReadUsers(SettingsScope read)
    {
        var text = Encoding.UTF8.GetBytes(string.Join('\n', read.Texts("auth.users")));
        try
        {
            return UserTable.TryRead(text, out var users, out var line)
                ? users!
                : read.Refuse("auth.users", $"entry {line}", "lines of a user file: name:realm:algorithm:hash, each user and algorithm once", UserTable.Empty);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(text);
        }
    }
}
