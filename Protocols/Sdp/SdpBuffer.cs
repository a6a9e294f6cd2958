using System.Security.Cryptography;
using System.Text;

namespace ConfCluster.Protocols.Sdp;

/// <summary>Grows as it is written to and leaves no copy of a key behind: what it outgrows, and at the end itself, is zeroed.</summary>
internal sealed class SdpBuffer : IDisposable
{
    private byte[] _bytes = new byte[1024];
    private int _length;

    public void Text(string text)
    {
        var room = Reserve(Encoding.UTF8.GetMaxByteCount(text.Length));
        _length += Encoding.UTF8.GetBytes(text, room);
    }

    public void Line(string text)
    {
        Text(text);
        "\r\n"u8.CopyTo(Reserve(2));
        _length += 2;
    }

    public void Base64(ReadOnlySpan<byte> secret)
    {
        var room = Reserve(System.Buffers.Text.Base64.GetMaxEncodedToUtf8Length(secret.Length));
        System.Buffers.Text.Base64.EncodeToUtf8(secret, room, out _, out var written);
        _length += written;
    }

    public byte[] ToArray() => _bytes[.._length];

    public void Dispose() => CryptographicOperations.ZeroMemory(_bytes);

    private Span<byte> Reserve(int count)
    {
        if (_bytes.Length - _length < count)
        {
            var larger = new byte[Math.Max(_bytes.Length * 2, _length + count)];
            _bytes.AsSpan(0, _length).CopyTo(larger);
            CryptographicOperations.ZeroMemory(_bytes);
            _bytes = larger;
        }

        return _bytes.AsSpan(_length);
    }
}
