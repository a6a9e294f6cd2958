using System.Security.Cryptography;

namespace ConfCluster.Protocols.Wire;

/// <summary>
/// Key bytes with one owner: pinned, never printed, never compared with ==, zeroed when the owner lets go.
/// Whoever is handed one to keep takes a <see cref="Copy"/>; nobody disposes what he did not make.
/// </summary>
public sealed class SecretBytes : IDisposable
{
    private readonly byte[] _bytes;
    private bool _disposed;

    private SecretBytes(byte[] bytes) => _bytes = bytes;

    /// <summary>Copies the bytes in; the caller wipes its own copy.</summary>
    public static SecretBytes CopyOf(ReadOnlySpan<byte> bytes)
    {
        var owned = GC.AllocateUninitializedArray<byte>(bytes.Length, pinned: true);
        bytes.CopyTo(owned);
        return new SecretBytes(owned);
    }

    /// <summary>Lets <paramref name="fill"/> write straight into the pinned memory (a random source, a decoder).</summary>
    public static SecretBytes Create(int length, SecretWriter fill)
    {
        ArgumentNullException.ThrowIfNull(fill);
        var owned = GC.AllocateArray<byte>(length, pinned: true);
        fill(owned);
        return new SecretBytes(owned);
    }

    public int Length => _bytes.Length;

    /// <summary>The bytes, for the length of one call. Do not store the span's contents.</summary>
    /// <exception cref="ObjectDisposedException">The owner has zeroed it.</exception>
    public ReadOnlySpan<byte> Reveal()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        return _bytes;
    }

    public SecretBytes Copy() => CopyOf(Reveal());

    /// <summary>Equality in constant time, for checks such as "two legs must not have the same key".</summary>
    public bool FixedTimeEquals(SecretBytes other)
    {
        ArgumentNullException.ThrowIfNull(other);
        return CryptographicOperations.FixedTimeEquals(Reveal(), other.Reveal());
    }

    public void Dispose()
    {
        CryptographicOperations.ZeroMemory(_bytes);
        _disposed = true;
    }

    public override string ToString() => $"<secret, {_bytes.Length} bytes>";
}

/// <summary>Fills a span with secret bytes; the pure code's view of the operating system's generator.</summary>
public delegate void SecretWriter(Span<byte> destination);
