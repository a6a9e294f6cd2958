using ConfCluster.Actors.Settings;

namespace ConfCluster.Host.Roles;

/// <summary>What must hold before anything is started.</summary>
internal static class StartChecks
{
    /// <summary>A sentence, or null.</summary>
    public static string? Refusal(ConfClusterSettings settings) => PortCheck.Refusal(settings);
}
