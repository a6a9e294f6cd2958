using System.Security.Cryptography;

namespace ConfCluster.Protocols.Sip.Parsing;

public enum SipFrameOutcome : byte { NeedMoreData, Done, Ping, Malformed }

/// <summary>
/// Cuts the byte stream of one connection into messages by Content-Length (RFC 3261 §18.3; §20.14: mandatory on a stream). Linear in the
/// bytes received, however small the pieces; it holds one message and what came with the last piece. A double CRLF between messages is a
/// keep-alive ping (RFC 5626 §3.5.1), a single one is skipped (RFC 3261 §7.5). What it gave out is zeroed, since a body may hold keys.
/// </summary>
public sealed class SipFramer : IDisposable
{
    private const int InitialBytes = 2048;

    private byte[] _buffer = new byte[InitialBytes];
    private int _start, _end;
    private int _scanned;
    private int _frame;
    private int _given;
    private SipError _failure = SipError.None;

    /// <summary>Bytes that wait for the rest of their message.</summary>
    public int Buffered => _end - _start - _given;

    /// <summary>Adds what was received. Then call <see cref="Next"/> until it asks for more.</summary>
    public void Append(ReadOnlySpan<byte> bytes)
    {
        if (_failure.Kind != SipErrorKind.None) return;
        Release();
        if (_buffer.Length - _end < bytes.Length) MakeRoom(bytes.Length);
        bytes.CopyTo(_buffer.AsSpan(_end));
        _end += bytes.Length;
    }

    /// <summary>
    /// Done: <paramref name="frame"/> is one message for <see cref="SipReader"/>, valid until the next call. Ping: answer with one CRLF.
    /// Malformed: the stream cannot be cut any more and must be closed; <paramref name="frame"/> is then the header block, if it was
    /// complete, from which a 400 can be made.
    /// </summary>
    public SipFrameOutcome Next(out ReadOnlySpan<byte> frame, out SipError error)
    {
        frame = default;
        error = _failure;
        if (_failure.Kind != SipErrorKind.None) return SipFrameOutcome.Malformed;
        Release();
        if (_frame == 0)
        {
            if (SkipLineEnds() is { } early) return early;
            if (_start == _end) return SipFrameOutcome.NeedMoreData;
            error = FindEnd(out var block);
            if (error.Kind != SipErrorKind.None)
            {
                _failure = error;
                frame = _buffer.AsSpan(_start, block);
                return SipFrameOutcome.Malformed;
            }
        }

        if (_frame == 0 || _end - _start < _frame) return SipFrameOutcome.NeedMoreData;
        frame = _buffer.AsSpan(_start, _frame);
        _given = _frame;
        return SipFrameOutcome.Done;
    }

    public void Dispose() => CryptographicOperations.ZeroMemory(_buffer);

    /// <summary>Ping, or "wait" when what is there may become one; null when a message begins or nothing is there.</summary>
    private SipFrameOutcome? SkipLineEnds()
    {
        while (_start < _end && _buffer[_start] == '\r')
        {
            var bytes = _buffer.AsSpan(_start.._end);
            if (bytes.StartsWith("\r\n\r\n"u8))
            {
                _start += 4;
                return SipFrameOutcome.Ping;
            }

            if ("\r\n\r\n"u8.StartsWith(bytes)) return SipFrameOutcome.NeedMoreData;
            if (!bytes.StartsWith("\r\n"u8)) return null;
            _start += 2;
        }

        return null;
    }

    private SipError FindEnd(out int block)
    {
        block = 0;
        var bytes = _buffer.AsSpan(_start.._end);
        if (!SipGrammar.Token.Contains((char)bytes[0])) return new SipError(SipErrorKind.NotSip, "Not a SIP start line");

        // The end mark may lie across two pieces: go back three bytes, no more.
        var from = Math.Max(_scanned - 3, 0);
        var end = bytes[from..].IndexOf("\r\n\r\n"u8);
        _scanned = bytes.Length;
        var length = end < 0 ? bytes.Length : from + end + 4;
        if (length > SipLimits.HeaderBlockBytes) return new SipError(SipErrorKind.TooLong, "Header fields too long");
        if (end < 0) return SipError.None;

        block = length;
        var error = ContentLengthField.Find(bytes[..block], out var body);
        if (error.Kind == SipErrorKind.None && body > SipLimits.MessageBytes - block)
            return new SipError(SipErrorKind.TooLong, "Message too long");
        _frame = error.Kind == SipErrorKind.None ? block + body : 0;
        return error;
    }

    private void Release()
    {
        if (_given == 0) return;
        CryptographicOperations.ZeroMemory(_buffer.AsSpan(_start, _given));
        _start += _given;
        _given = _frame = _scanned = 0;
        if (_start != _end) return;
        _start = _end = 0;
        if (_buffer.Length > 4 * InitialBytes) _buffer = new byte[InitialBytes];
    }

    /// <summary>Doubles, or moves down when half of the buffer is free: either way each byte is moved a bounded number of times.</summary>
    private void MakeRoom(int count)
    {
        var live = _buffer.AsSpan(_start.._end);
        var needed = live.Length + count;
        var target = needed <= _buffer.Length / 2 ? _buffer : new byte[Math.Max(2 * _buffer.Length, 2 * needed)];
        live.CopyTo(target);
        if (ReferenceEquals(target, _buffer)) CryptographicOperations.ZeroMemory(target.AsSpan(live.Length.._end));
        else CryptographicOperations.ZeroMemory(_buffer);
        _end = live.Length;
        _start = 0;
        _buffer = target;
    }
}
