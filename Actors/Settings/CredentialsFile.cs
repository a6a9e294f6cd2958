using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using ConfCluster.Protocols.Sip.Authentication;
using ConfCluster.Protocols.Wire;

namespace ConfCluster.Actors.Settings;

/// <summary>
/// Passwords for realms elsewhere: lines <c>user:realm:password</c>, the password to the end of the line; empty lines and those that begin
/// with # do not count. Read once, as octets: a password is never a string.
/// </summary>
public static class CredentialsFile
{
    public static ImmutableArray<DigestAccount> Read(string path, out string? problem)
    {
        problem = null;
        byte[] bytes;
        try
        {
            bytes = File.ReadAllBytes(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            problem = e.Message;
            return [];
        }

        try
        {
            return Parse(bytes, out problem);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(bytes);
        }
    }

    private static ImmutableArray<DigestAccount> Parse(ReadOnlySpan<byte> text, out string? problem)
    {
        problem = null;
        var credentials = ImmutableArray.CreateBuilder<DigestAccount>();
        var number = 0;
        foreach (var range in text.Split((byte)'\n'))
        {
            number++;
            var line = text[range].TrimEnd((byte)'\r');
            if (line.IsEmpty || line[0] == '#') continue;
            var user = line.IndexOf((byte)':');
            var realm = user < 0 ? -1 : line[(user + 1)..].IndexOf((byte)':');
            if (user <= 0 || realm <= 0)
            {
                problem = $"line {number} is not user:realm:password";
                return [];
            }

            credentials.Add(new DigestAccount(
                Encoding.UTF8.GetString(line.Slice(user + 1, realm)), Encoding.UTF8.GetString(line[..user]),
                SecretBytes.CopyOf(line[(user + realm + 2)..])));
        }

        return credentials.ToImmutable();
    }
}
