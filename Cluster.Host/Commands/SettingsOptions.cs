using System.Collections.Immutable;
using System.CommandLine;
using Akka.Configuration;
using ConfCluster.Actors.Settings;

namespace ConfCluster.Host.Commands;

/// <summary><c>--config FILE</c> and <c>--set path=value</c>, for the verbs that take settings.</summary>
internal sealed class SettingsOptions
{
    private readonly Option<string?> _file = new("--config", "-c") { Description = "A settings file (HOCON) over the defaults.", HelpName = "FILE" };

    private readonly Option<string[]> _set = new("--set", "-s")
    {
        Description = "One setting, for example confcluster.sip.udp.port=5070; wins over the file, may be repeated.",
        HelpName = "path=value",
    };

    public void AddTo(Command command)
    {
        command.Options.Add(_file);
        command.Options.Add(_set);
    }

    public ConfiguredSettings Of(ParseResult result)
    {
        var config = SettingsSource.Load(result.GetValue(_file), result.GetValue(_set) ?? [], out var problems);
        if (config is null) return new ConfiguredSettings(null, null, problems);
        var read = SettingsReader.Read(config);
        return new ConfiguredSettings(config, read.Settings, read.Problems);
    }
}

/// <param name="Settings">Null when there are problems.</param>
internal sealed record ConfiguredSettings(Config? Config, ConfClusterSettings? Settings, ImmutableArray<SettingProblem> Problems);
