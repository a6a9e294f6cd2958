using ConfCluster.Protocols.Mixing;
using ConfCluster.Protocols.Rtp;
using Xunit;

namespace ConfCluster.Protocols.Tests.Mixing;

public class ConferenceMixerAllocations
{
    [Fact]
    public void Ten_legs_in_steady_state_allocate_nothing()
    {
        var scene = new MixerScene();
        var phones = scene.Conference(10);
        var packets = phones.Select(p => Enumerable.Range(0, 1200).Select(_ => p.Packet(new byte[160])).ToArray()).ToArray();
        var (sink, now) = (new Nowhere(), TimeSpan.Zero);
        for (var t = 0; t < 200; t++) Run(t);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var t = 200; t < 1200; t++) Run(t);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.True(sink.Packets > 12_000);

        void Run(int t)
        {
            for (var i = 0; i < phones.Length; i++) scene.Mixer.Receive(phones[i].Slot, false, packets[i][t], phones[i].Address, now);
            scene.Mixer.Tick(now, sink);
            now += AudioFrame.Duration;
        }
    }

    private sealed class Nowhere : IMediaSink
    {
        public int Packets { get; private set; }

        public void Send(int slot, bool rtcp, ReadOnlySpan<byte> packet, in MediaAddress to) => Packets++;
    }
}
