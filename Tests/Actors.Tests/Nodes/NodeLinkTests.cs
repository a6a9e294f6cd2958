using System.Buffers.Binary;
using System.IO.Pipelines;
using Akka.Actor;
using Akka.Event;
using Akka.Remote.Transport;
using ConfCluster.Actors.Nodes.Links;
using Google.Protobuf;
using Xunit;

namespace ConfCluster.Actors.Tests.Nodes;

/// <summary>A connection between nodes over a stream that the test holds the other end of.</summary>
public sealed class NodeLinkTests
{
    private const int Longest = 100_000;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private readonly Pipe _toUs = new();
    private readonly Pipe _fromUs = new(new PipeOptions(pauseWriterThreshold: 1000, resumeWriterThreshold: 500));
    private readonly Reader _reader = new();
    private readonly NodeLink _link;

    public NodeLinkTests()
    {
        var ends = new Ends(_toUs.Reader.AsStream(), _fromUs.Writer.AsStream());
        _link = new NodeLink(new Address("ssl.tcp", "test", "192.0.2.1", 1), new Address("ssl.tcp", "test", "192.0.2.2", 2), ends, Longest, NoLogger.Instance);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(70_000)]
    [InlineData(1_000_000)]
    public async Task Messages_come_whole_and_in_order_however_they_are_cut(int piece)
    {
        int[] lengths = [0, 1, 5, 65_532, 65_533, Longest, 2, 0, 70_000];
        var sent = lengths.Select((l, i) => Message(l, (byte)(i + 1))).ToList();
        Begin();
        var bytes = sent.SelectMany(m => Header(m.Length).Concat(m)).ToArray();
        for (var at = 0; at < bytes.Length; at += piece)
        {
            // Single octets only at the beginning, else it takes for ever.
            var length = at < 20 ? Math.Min(piece, bytes.Length - at) : Math.Min(Math.Max(piece, 1000), bytes.Length - at);
            await _toUs.Writer.WriteAsync(bytes.AsMemory(at, length));
            if (length != piece) at += length - piece;
        }

        foreach (var message in sent) Assert.Equal(message, (await _reader.NextAsync<InboundPayload>()).Payload.ToByteArray());
    }

    [Theory]
    [InlineData(Longest + 1)]
    [InlineData(-1)]
    [InlineData(int.MinValue)]
    [InlineData(int.MaxValue)]
    public async Task A_message_that_is_too_long_ends_it(int length)
    {
        Begin();
        await _toUs.Writer.WriteAsync(Header(length));
        await _reader.NextAsync<Disassociated>();
        await _link.Closed.WaitAsync(Patience);
        Assert.False(_link.Write(ByteString.CopyFromUtf8("late")));
    }

    [Fact]
    public async Task Nothing_is_read_before_somebody_listens()
    {
        _link.Begin(CancellationToken.None);
        await _toUs.Writer.WriteAsync(Header(2).Concat(Message(2, 9)).ToArray());
        Assert.Equal(0, _reader.Count);
        _link.ReadHandlerSource.SetResult(_reader);
        Assert.Equal(Message(2, 9), (await _reader.NextAsync<InboundPayload>()).Payload.ToByteArray());
    }

    [Fact]
    public async Task What_nobody_takes_is_refused_when_two_of_the_longest_wait_and_nothing_of_what_was_taken_is_lost()
    {
        Begin();
        var taken = new List<byte[]>();
        for (var i = 0; i < 100; i++)
        {
            var message = Message(9_000, (byte)i);
            if (_link.Write(ByteString.CopyFrom(message))) taken.Add(message);
        }

        Assert.InRange(taken.Count, 2 * Longest / 9_004, 2 * Longest / 9_004 + 8);
        _link.Close();
        Assert.False(_link.Write(ByteString.Empty));
        using var read = new MemoryStream();
        await _fromUs.Reader.AsStream().CopyToAsync(read).WaitAsync(Patience);
        Assert.Equal(taken.SelectMany(m => Header(m.Length).Concat(m)), read.ToArray());
        await _reader.NextAsync<Disassociated>();
    }

    [Fact]
    public async Task A_long_message_goes_out_as_it_is()
    {
        Begin();
        var (small, large) = (Message(10, 1), Message(Longest, 2));
        Assert.True(_link.Write(ByteString.CopyFrom(small)));
        Assert.True(_link.Write(ByteString.CopyFrom(large)));
        _link.Close();
        using var read = new MemoryStream();
        await _fromUs.Reader.AsStream().CopyToAsync(read).WaitAsync(Patience);
        Assert.Equal(Header(10).Concat(small).Concat(Header(Longest)).Concat(large), read.ToArray());
    }

    [Fact]
    public async Task Closing_waits_not_for_ever_for_somebody_who_takes_nothing()
    {
        Begin();
        Assert.True(_link.Write(ByteString.CopyFrom(Message(50_000, 1))));
        _link.Close();
        await _link.Closed.WaitAsync(Patience);
    }

    [Fact]
    public async Task The_other_side_closes()
    {
        Begin();
        await _toUs.Writer.WriteAsync(Header(100));
        await _toUs.Writer.CompleteAsync();
        await _reader.NextAsync<Disassociated>();
        await _link.Closed.WaitAsync(Patience);
    }

    [Fact]
    public async Task Who_listens_after_the_end_hears_of_it()
    {
        await _toUs.Writer.CompleteAsync();
        using var stop = new CancellationTokenSource();
        _link.Begin(stop.Token);
        await stop.CancelAsync();
        await _link.Closed.WaitAsync(Patience);
        _link.ReadHandlerSource.SetResult(_reader);
        await _reader.NextAsync<Disassociated>();
    }

    private void Begin()
    {
        _link.ReadHandlerSource.SetResult(_reader);
        _link.Begin(CancellationToken.None);
    }

    private static byte[] Message(int length, byte first) => [.. Enumerable.Range(0, length).Select(i => (byte)(first + i))];

    private static byte[] Header(int length)
    {
        var header = new byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(header, length);
        return header;
    }

    private sealed class Reader : IHandleEventListener
    {
        private readonly System.Threading.Channels.Channel<IHandleEvent> _events = System.Threading.Channels.Channel.CreateUnbounded<IHandleEvent>();

        public int Count => _events.Reader.Count;

        public void Notify(IHandleEvent ev) => Assert.True(_events.Writer.TryWrite(ev));

        public async Task<T> NextAsync<T>() => Assert.IsType<T>(await _events.Reader.ReadAsync().AsTask().WaitAsync(Patience));
    }

    /// <summary>One end of two pipes.</summary>
    private sealed class Ends(Stream from, Stream to) : Stream
    {
        public override bool CanRead => true;

        public override bool CanWrite => true;

        public override bool CanSeek => false;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => from.ReadAsync(buffer, cancellationToken);

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => to.WriteAsync(buffer, cancellationToken);

        public override void Flush() => to.Flush();

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            from.Dispose();
            to.Dispose();
            base.Dispose(disposing);
        }
    }
}
