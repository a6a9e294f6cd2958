namespace ConfCluster.Protocols.Mixing;

/// <summary>The mix at one rate, made in the ticks in which somebody listens at it.</summary>
internal sealed class RateMix(int rate)
{
    private int[] _sum = [];
    private short[] _mix = [];

    public int Rate { get; } = rate;

    public bool IsUsed { get; set; }

    public void Clear()
    {
        if (_sum.Length == 0) (_sum, _mix) = (new int[AudioFrame.SamplesAt(Rate)], new short[AudioFrame.SamplesAt(Rate)]);
        Array.Clear(_sum);
    }

    public void Add(FrameSpread talker) => PcmMix.Add(_sum, talker.AtRate(Rate));

    /// <summary>For who is silent.</summary>
    public ReadOnlySpan<short> Whole()
    {
        PcmMix.Saturate(_sum, _mix);
        return _mix;
    }

    /// <summary>For a talker, who does not hear himself.</summary>
    public ReadOnlySpan<short> Without(FrameSpread talker)
    {
        PcmMix.Without(_sum, talker.AtRate(Rate), _mix);
        return _mix;
    }

    /// <summary>For a talker whose voice came from two places.</summary>
    public ReadOnlySpan<short> Without(FrameSpread talker, FrameSpread elsewhere)
    {
        PcmMix.Without(_sum, talker.AtRate(Rate), elsewhere.AtRate(Rate), _mix);
        return _mix;
    }
}
