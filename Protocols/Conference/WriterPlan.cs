using System.Collections.Immutable;

namespace ConfCluster.Protocols.Conference;

/// <summary>
/// What the writer of an entity's journal does when a write fails: the one who writes dies of it, another is opened after a wait that
/// doubles, and what it reads tells whether the batch got in after all. <typeparamref name="T"/> has value equality.
/// </summary>
/// <param name="Sequence">The highest sequence number that is known to be ours.</param>
/// <param name="Owed">The batch that is being written; one at a time.</param>
/// <param name="IsRead">The owner has been told what the journal holds.</param>
public sealed record WriterPlan<T>(long Sequence, ImmutableArray<T> Owed, int Failures, bool IsOpen, bool IsRead)
    where T : class
{
    public static readonly WriterPlan<T> Start = new(0, [], 0, IsOpen: false, IsRead: false);

    /// <summary>Whoever wrote before has said how far it came; the owner knows what the journal holds.</summary>
    public WriterPlan<T> At(long sequence) => this with { Sequence = sequence, IsOpen = true, IsRead = true };

    /// <summary>The journal was read: what lies after <see cref="Sequence"/>, and its highest sequence number.</summary>
    public (WriterPlan<T> Next, WriterAct Act) Read(ImmutableArray<T> newer, long highest)
    {
        var open = this with { IsOpen = true, Failures = 0 };
        if (!IsRead) return (open with { Sequence = highest, IsRead = true }, Owed.IsEmpty ? WriterAct.TellRead : WriterAct.Overtaken);
        if (highest == Sequence) return (open, Owed.IsEmpty ? WriterAct.Nothing : WriterAct.Write);

        // Exactly our batch: the failure was only in hearing of it.
        var ours = !Owed.IsEmpty && highest == Sequence + Owed.Length && newer.AsSpan().SequenceEqual(Owed.AsSpan());
        return ours ? open.Done(highest) : (open, WriterAct.Overtaken);
    }

    /// <exception cref="InvalidOperationException">Another batch is out, or the owner counts otherwise.</exception>
    public (WriterPlan<T> Next, WriterAct Act) Append(ImmutableArray<T> batch, long expected)
    {
        if (!IsRead || !Owed.IsEmpty || batch.IsEmpty || expected != Sequence)
        {
            throw new InvalidOperationException(
                $"not now: read {IsRead}, {Owed.Length} owed, {batch.Length} new at {expected}, we are at {Sequence}");
        }

        return (this with { Owed = batch }, IsOpen ? WriterAct.Write : WriterAct.Nothing);
    }

    /// <summary>The journal has the whole batch.</summary>
    public (WriterPlan<T> Next, WriterAct Act) Written(long highest) => Done(highest);

    /// <summary>Whoever wrote or read is gone.</summary>
    public (WriterPlan<T> Next, WriterAct Act) Failed() => (this with { IsOpen = false, Failures = Failures + 1 }, WriterAct.WaitAndOpen);

    /// <summary>How long to wait before the next try.</summary>
    public TimeSpan Wait(TimeSpan min, TimeSpan max)
    {
        const int Steps = 30;
        var doubled = min * Math.Pow(2, Math.Clamp(Failures - 1, 0, Steps));
        return doubled < max ? doubled : max;
    }

    private (WriterPlan<T> Next, WriterAct Act) Done(long highest) =>
        (this with { IsOpen = true, Owed = [], Sequence = highest }, WriterAct.TellWritten);
}

public enum WriterAct : byte
{
    Nothing,

    /// <summary>Tell the owner what the journal holds.</summary>
    TellRead,

    Write,
    TellWritten,

    /// <summary>Tell the owner that the journal fails, and try again later.</summary>
    WaitAndOpen,

    /// <summary>Somebody else has written: tell the owner and do nothing more.</summary>
    Overtaken,
}
