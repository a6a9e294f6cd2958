namespace ConfCluster.Actors.Participant;

/// <summary>Participants on this node that are on their way in: what they know stands nowhere else yet. For any thread.</summary>
public sealed class SetUps
{
    private int _count;

    public int Count => Volatile.Read(ref _count);

    public void Began() => Interlocked.Increment(ref _count);

    public void Over() => Interlocked.Decrement(ref _count);
}
