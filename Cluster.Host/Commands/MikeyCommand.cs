using System.CommandLine;
using System.Security.Cryptography;
using System.Text;
using ConfCluster.Protocols.Mikey;
using ConfCluster.Protocols.Wire;

namespace ConfCluster.Host.Commands;

/// <summary><c>mikey decode</c>: a key management message field by field, and whether its MAC is right.</summary>
internal static class MikeyCommand
{
    private const int MaxKeyText = 1024;

    public static Command Create()
    {
        var message = new Argument<string>("MESSAGE") { Description = "Base64 as in a=key-mgmt, a file (octets or base64), or - for standard input." };
        var key = new Option<string?>("--key-file", "--psk-file")
        {
            Description = "Holds in hexadecimal the pre-shared key, or for a transfer and its updates MPKi (with key forking MPKr' for all but the first).",
            HelpName = "FILE",
        };
        var after = new Option<string[]>("--after")
        {
            Description = "An earlier message of the bundle: a response covers its request, an update is under keys of the transfer. May be repeated, the oldest first.",
            HelpName = "MESSAGE",
        };
        var decode = new Command("decode", "Print a MIKEY message field by field.") { message, key, after };
        decode.SetAction(result => Decode(result.GetValue(message)!, result.GetValue(key), result.GetValue(after) ?? []));
        return new Command("mikey", "Look at key management messages.") { decode };
    }

    private static int Decode(string text, string? keyFile, string[] after)
    {
        if (!TryOctets(text, out var octets, out var problem)) return Output.Fail(problem);
        if (!MikeyReader.TryRead(octets, out var message, out var error)) return Output.Fail($"This is no MIKEY message that can be read: {error}.");
        foreach (var line in MikeyText.Lines(message!)) Console.Out.WriteLine(line);
        if (keyFile is null) return ExitCode.Done;
        var before = new List<Octets>();
        foreach (var earlier in after)
        {
            if (!TryOctets(earlier, out var read, out problem)) return Output.Fail(problem);
            before.Add(Octets.CopyOf(read));
        }

        using var key = ReadKey(keyFile, out problem);
        if (key is null) return Output.Fail(problem);
        switch (MikeyCheck.Of(message!, key, before.ToArray()))
        {
            case true:
                Console.Out.WriteLine("The MAC is right.");
                return ExitCode.Done;
            case false:
                return Output.Fail("The MAC is wrong, or this is not its key.");
            default:
                return Output.Fail("The MAC of this message cannot be checked with what there is: give the messages before it with --after, or names are missing.");
        }
    }

    private static bool TryOctets(string text, out byte[] octets, out string problem)
    {
        (octets, problem) = ([], "");
        try
        {
            if (text != "-" && !File.Exists(text)) return TryBase64(text, out octets, out problem);
            using var stream = text == "-" ? Console.OpenStandardInput() : File.OpenRead(text);
            var buffer = new byte[2 * MikeyReader.MaxLength];
            var all = buffer[..stream.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false)];

            // A message begins with its version, 1, which no base64 does.
            if (all.Length == 0 || all[0] == MikeyHeader.Version) octets = all;
            else return TryBase64(Encoding.Latin1.GetString(all), out octets, out problem);
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            problem = $"The message cannot be read: {e.Message}";
            return false;
        }
    }

    private static bool TryBase64(string text, out byte[] octets, out string problem)
    {
        var trimmed = text.Trim();
        var buffer = new byte[trimmed.Length];
        var isBase64 = Convert.TryFromBase64String(trimmed, buffer, out var length);
        octets = buffer[..length];
        problem = isBase64 ? "" : "This is neither a file nor base64.";
        return isBase64;
    }

    private static SecretBytes? ReadKey(string file, out string problem)
    {
        problem = "";
        var text = new byte[MaxKeyText];
        try
        {
            using var stream = File.OpenRead(file);
            var digits = text.AsSpan(0, stream.ReadAtLeast(text, text.Length, throwOnEndOfStream: false)).Trim(" \r\n\t"u8);
            var octets = new byte[digits.Length / 2];
            if (digits.Length >= 2 && Convert.FromHexString(digits, octets, out _, out _) == System.Buffers.OperationStatus.Done)
            {
                var key = SecretBytes.CopyOf(octets);
                CryptographicOperations.ZeroMemory(octets);
                return key;
            }

            problem = "The key file does not hold an even number of hexadecimal digits.";
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            problem = $"The key cannot be read: {e.Message}";
        }
        finally
        {
            CryptographicOperations.ZeroMemory(text);
        }

        return null;
    }
}
