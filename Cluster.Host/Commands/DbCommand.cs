using System.CommandLine;
using ConfCluster.Actors.Journal;

namespace ConfCluster.Host.Commands;

/// <summary><c>db init | check</c>: the tables of the journal in PostgreSQL. A node makes none.</summary>
internal static class DbCommand
{
    public static Command Create() => new("db", "The journal's database.")
    {
        Verb("init", "Make the tables in the database of the settings; where they are already, nothing happens.", Init),
        Verb("check", "Say whether the database of the settings can be used.", database => (JournalBootstrap.Prepare(database), $"The journal {database} can be used.")),
    };

    private static Command Verb(string name, string description, Func<JournalDatabase, (string? Problem, string Said)> act)
    {
        var settings = new SettingsOptions();
        var json = Output.JsonOption();
        var verb = new Command(name, description) { json };
        settings.AddTo(verb);
        verb.SetAction(result =>
        {
            var configured = settings.Of(result);
            if (configured.Settings is not { } found) return Output.Fail($"The settings are not sound: {configured.Problems[0]}");
            var (problem, said) = act(found.Journal.Database);
            if (result.GetValue(json)) Output.WriteJson(new { ok = problem is null, database = found.Journal.Database.ToString(), problem });
            else if (problem is not null) return Output.Fail(problem);
            else Console.Out.WriteLine(said);
            return problem is null ? ExitCode.Done : ExitCode.Failed;
        });
        return verb;
    }

    private static (string? Problem, string Said) Init(JournalDatabase database)
    {
        var problem = JournalSchema.Init(database, out var made);
        return (problem, made ? $"The tables are made in {database}." : $"The tables are in {database} already.");
    }
}
