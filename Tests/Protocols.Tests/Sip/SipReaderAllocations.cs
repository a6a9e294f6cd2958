using ConfCluster.Protocols.Sip.Parsing;
using ConfCluster.Support;
using Xunit;

namespace ConfCluster.Protocols.Tests.Sip;

public class SipReaderAllocations
{
    /// <summary>Text becomes strings of two octets a letter, and the typed values of the fields come on top.</summary>
    [Fact]
    public void Reading_an_INVITE_allocates_at_most_four_times_its_size()
    {
        var allocated = Enumerable.Range(0, 10).Min(_ => Allocated());
        Assert.InRange(allocated, ExampleInvite.Bytes.Length, 4 * ExampleInvite.Bytes.Length);
    }

    [Fact]
    public void A_parameter_list_of_any_length_is_read_whole_and_in_order()
    {
        for (var count = 1; count <= SipLimits.Items; count++)
        {
            var text = string.Concat(Enumerable.Range(0, count).Select(i => $";p{i}={i}"));
            Assert.True(SipReader.TryReadValue("token" + text, out _, out var parameters));
            Assert.Equal(Enumerable.Range(0, count).Select(i => ($"p{i}", $"{i}")), parameters.Items.Select(p => (p.Key, p.Value!)));
        }

        Assert.False(SipReader.TryReadValue("token" + string.Concat(Enumerable.Range(0, 65).Select(i => $";p{i}")), out _, out _));
    }

    /// <summary>More than the message's own when the pool of character buffers has just been trimmed.</summary>
    private static long Allocated()
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        if (!SipReader.TryRead(ExampleInvite.Bytes, out _, out var error)) throw new InvalidOperationException(error.Detail);
        return GC.GetAllocatedBytesForCurrentThread() - before;
    }
}
