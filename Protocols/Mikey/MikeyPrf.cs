using System.Security.Cryptography;
using ConfCluster.Protocols.Wire;

namespace ConfCluster.Protocols.Mikey;

/// <summary>
/// The pseudorandom functions MIKEY-1 (RFC 3830 §4.1.2) and PRF-HMAC-SHA-256 (RFC 6043 §6.1). They differ in the hash alone: the key is
/// split into pieces of 256 bits in both.
/// </summary>
public static class MikeyPrf
{
    private const int Piece = 32;
    private const int MaxHash = 32;

    public static bool IsKnown(PrfFunction function) => function is PrfFunction.Mikey1 or PrfFunction.HmacSha256;

    public static SecretBytes Derive(PrfFunction function, SecretBytes key, ReadOnlySpan<byte> label, int length)
    {
        ArgumentNullException.ThrowIfNull(key);
        using var copy = SecretBytes.CopyOf(label);
        return SecretBytes.Create(length, output => Derive(function, key.Reveal(), copy.Reveal(), output));
    }

    /// <summary>Fills <paramref name="output"/>.</summary>
    public static void Derive(PrfFunction function, ReadOnlySpan<byte> key, ReadOnlySpan<byte> label, Span<byte> output)
    {
        if (!IsKnown(function)) throw new ArgumentOutOfRangeException(nameof(function), function, "no such PRF");
        output.Clear();
        do
        {
            var piece = key[..Math.Min(Piece, key.Length)];
            AddPiece(function, piece, label, output);
            key = key[piece.Length..];
        }
        while (!key.IsEmpty);
    }

    /// <summary>XORs P(s, label, m) into the output: HMAC(s, A_1 ‖ label) ‖ HMAC(s, A_2 ‖ label) ‖ … with A_i = HMAC(s, A_(i-1)), A_0 = label.</summary>
    private static void AddPiece(PrfFunction function, ReadOnlySpan<byte> s, ReadOnlySpan<byte> label, Span<byte> output)
    {
        var size = function == PrfFunction.Mikey1 ? 20 : 32;
        Span<byte> block = stackalloc byte[MaxHash];
        block = block[..size];
        var input = new byte[size + label.Length];
        label.CopyTo(input.AsSpan(size));
        var a = input.AsSpan(0, size);
        Hmac(function, s, label, a);
        while (true)
        {
            Hmac(function, s, input, block);
            var n = Math.Min(size, output.Length);
            for (var i = 0; i < n; i++) output[i] ^= block[i];
            output = output[n..];
            if (output.IsEmpty) break;
            Hmac(function, s, a, block);
            block.CopyTo(a);
        }

        CryptographicOperations.ZeroMemory(input);
        CryptographicOperations.ZeroMemory(block);
    }

    private static void Hmac(PrfFunction function, ReadOnlySpan<byte> key, ReadOnlySpan<byte> text, Span<byte> mac)
    {
#pragma warning disable CA5350 // RFC 3830 §4.1.2 is HMAC-SHA-1
        if (function == PrfFunction.Mikey1) HMACSHA1.HashData(key, text, mac);
#pragma warning restore CA5350
        else HMACSHA256.HashData(key, text, mac);
    }
}
