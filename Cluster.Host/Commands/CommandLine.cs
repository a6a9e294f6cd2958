using System.CommandLine;
using System.CommandLine.Invocation;
using ConfCluster.Actors.Settings;

namespace ConfCluster.Host.Commands;

/// <summary>The verbs, one file each; <c>run</c> is meant when none is given.</summary>
internal static class CommandLine
{
    public static async Task<int> RunAsync(string[] args)
    {
        var result = Build().Parse(args);
        if (result.Action is ParseErrorAction error)
        {
            error.ShowHelp = false;
            await result.InvokeAsync(new InvocationConfiguration { Output = Console.Error });
            await Console.Error.WriteLineAsync("confcluster --help lists the verbs, confcluster VERB --help their options.");
            return ExitCode.Usage;
        }

        // Signals are the verbs' own business: they say goodbye first.
        return await result.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null });
    }

    internal static RootCommand Build()
    {
        var settings = new SettingsOptions();
        var root = new RootCommand("A secure conference server that is a cluster.")
        {
            RunCommand.Create(new SettingsOptions()), ConferenceCommands.Create(), UserCommands.Create(), CallCommand.Create(), AnswerCommand.Create(),
            AuditCommands.Create(), DemoCommand.Create(), LoadCommand.Create(), MikeyCommand.Create(), KmsCommands.Create(), KmsCommands.CreatePreShared(),
            ConfigCommand.Create(), StatusCommand.Create(), DrainCommand.Create(), TlsCommand.Create(), DbCommand.Create(), UpCommand.Create(),
        };
        settings.AddTo(root);
        root.SetAction((result, _) => RunCommand.RunAsync(settings.Of(result)));
        return root;
    }
}
