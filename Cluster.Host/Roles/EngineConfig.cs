using Akka.Configuration;

namespace ConfCluster.Host.Roles;

/// <summary>How Akka runs: akka.conf, under whatever the user's own configuration says about <c>akka</c>.</summary>
internal static class EngineConfig
{
    public static Config Of(Config user) => user.WithFallback(ConfigurationFactory.ParseString(Text()));

    private static string Text()
    {
        using var stream = typeof(EngineConfig).Assembly.GetManifestResourceStream("akka.conf")
            ?? throw new InvalidOperationException("akka.conf is not built in");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
