namespace ConfCluster.Host.Demo;

internal enum DemoAct : byte { Calls, HangsUp, IsThrownOut }

/// <summary>Who does what when, from the first join on.</summary>
internal sealed record DemoStep(TimeSpan At, string Who, DemoAct Act);

/// <summary>Half a minute in which everything happens that makes a group key change, twice as fast as the minimum interval allows.</summary>
internal static class DemoScript
{
    public const string Conference = "demo";

    public static readonly TimeSpan MinInterval = TimeSpan.FromSeconds(3);

    public static readonly TimeSpan End = TimeSpan.FromSeconds(29);

    /// <summary>What each says, in Hz.</summary>
    public static readonly IReadOnlyDictionary<string, double> Tones =
        new Dictionary<string, double> { ["alice"] = 440, ["bob"] = 554, ["carol"] = 659, ["dave"] = 880 };

    /// <summary>Takes changes by re-INVITE, the others by UPDATE.</summary>
    public const string WithoutUpdate = "bob";

    public static readonly IReadOnlyList<DemoStep> Steps =
    [
        At(0, "alice", DemoAct.Calls),
        At(1, "bob", DemoAct.Calls),
        At(1.5, "carol", DemoAct.Calls),
        At(7, "dave", DemoAct.Calls),
        At(12, "bob", DemoAct.HangsUp),
        At(13.5, "carol", DemoAct.IsThrownOut),
        At(18.5, "bob", DemoAct.Calls),
        At(20, "dave", DemoAct.HangsUp),
    ];

    private static DemoStep At(double seconds, string who, DemoAct act) => new(TimeSpan.FromSeconds(seconds), who, act);
}
