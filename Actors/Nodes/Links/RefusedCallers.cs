namespace ConfCluster.Actors.Nodes.Links;

/// <summary>Says who was refused, not more often than every few seconds: anybody can call a port, as often as it likes.</summary>
internal sealed class RefusedCallers(TimeProvider clock, Action<string> say)
{
    private static readonly TimeSpan Between = TimeSpan.FromSeconds(10);
    private readonly Lock _lock = new();
    private long _said;
    private int _unsaid;

    /// <param name="caller">Address and port.</param>
    public void Add(string caller, string why)
    {
        int unsaid;
        lock (_lock)
        {
            if (_said != 0 && clock.GetElapsedTime(_said) < Between)
            {
                _unsaid++;
                return;
            }

            (unsaid, _unsaid, _said) = (_unsaid, 0, clock.GetTimestamp());
        }

        say($"{caller} is no node of this cluster: {why}{(unsaid > 0 ? $" (and {unsaid} before it)" : "")}");
    }
}
