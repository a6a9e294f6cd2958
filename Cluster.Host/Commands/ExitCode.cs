namespace ConfCluster.Host.Commands;

/// <summary>What a shell script sees.</summary>
internal static class ExitCode
{
    public const int Done = 0;
    public const int Failed = 1;
    public const int Usage = 2;
}
