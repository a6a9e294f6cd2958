using System.Data.Common;
using ConfCluster.Actors.Settings;
using ConfCluster.Host.Roles;

namespace ConfCluster.Host.Commands;

/// <summary>Opens the data directory of the settings for the verbs of <c>audit</c>, and says in one sentence why it cannot.</summary>
internal static class AuditDirectory
{
    public static int With(ConfiguredSettings configured, Func<AuditReading, int> act)
    {
        if (configured.Settings is not { } settings) return Output.Fail($"The settings are not sound: {configured.Problems[0]}");
        var audit = new AuditReading(settings);
        try
        {
            return act(audit);
        }
        catch (DbException e)
        {
            var cure = settings.Journal.Kind == JournalKind.Sqlite ? " --set confcluster.data-dir=DIR names another directory." : "";
            return Output.Fail($"The journal {settings.Journal.Database} cannot be read: {e.Message}.{cure}");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return Output.Fail(e.Message);
        }
    }

    public static int WithConference(AuditReading audit, string name, Func<AuditView, int> act)
    {
        var view = audit.View(name.ToLowerInvariant());
        return view.Records.IsEmpty && view.Heads.IsEmpty ? Output.Fail($"There never was a conference {name}.") : act(view);
    }
}
