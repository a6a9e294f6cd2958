namespace ConfCluster.Actors.Nodes.Links;

/// <summary>Says what may happen as often as strangers like, or many times a second, not more often than every few seconds. For any thread.</summary>
internal sealed class Seldom(TimeProvider clock, Action<string> say)
{
    private static readonly TimeSpan Between = TimeSpan.FromSeconds(10);
    private readonly Lock _lock = new();
    private long? _said;
    private int _unsaid;

    public void Say(string text)
    {
        int unsaid;
        lock (_lock)
        {
            if (_said is { } at && clock.GetElapsedTime(at) < Between)
            {
                _unsaid++;
                return;
            }

            (unsaid, _unsaid, _said) = (_unsaid, 0, clock.GetTimestamp());
        }

        say(unsaid > 0 ? $"{text} (and {unsaid} before it)" : text);
    }
}
