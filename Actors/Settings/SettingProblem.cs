namespace ConfCluster.Actors.Settings;

/// <summary>What is wrong with the configuration: where, what was found, and what is allowed.</summary>
public sealed record SettingProblem(string Where, string Found, string Allowed)
{
    public override string ToString() => Found.Length == 0 ? $"{Where}: {Allowed}" : $"{Where} = {Found}: {Allowed}";
}
