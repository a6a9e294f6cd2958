using System.CommandLine;
using System.Security.Cryptography;
using ConfCluster.Protocols.Wire;

namespace ConfCluster.Host.Commands;

/// <summary>A password from a file or from standard input: the first line, as bytes, never a string or an argument.</summary>
internal static class PasswordInput
{
    private const int MaxLength = 1024;

    public static Option<string?> FileOption() => new("--password-file")
    {
        Description = "Where the password stands on the first line; without it: standard input.",
        HelpName = "FILE",
    };

    /// <summary>Null with a sentence when there is none.</summary>
    public static SecretBytes? Read(string? file, out string problem)
    {
        problem = "";
        var buffer = new byte[MaxLength];
        try
        {
            using var stream = file is null ? Console.OpenStandardInput() : File.OpenRead(file);
            var length = stream.ReadAtLeast(buffer, MaxLength, throwOnEndOfStream: false);
            var end = buffer.AsSpan(0, length).IndexOfAny((byte)'\n', (byte)'\r');
            if (end < 0) end = length;
            if (end > 0 && end < MaxLength) return SecretBytes.CopyOf(buffer.AsSpan(0, end));
            problem = end == 0 ? "The password is empty." : $"The password is longer than {MaxLength - 1} octets.";
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            problem = $"The password cannot be read: {e.Message}";
        }
        finally
        {
            CryptographicOperations.ZeroMemory(buffer);
        }

        return null;
    }
}
