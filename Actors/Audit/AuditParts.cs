using Akka.Actor;
using Akka.Hosting;
using ConfCluster.Actors.Journal;
using ConfCluster.Actors.Settings;

namespace ConfCluster.Actors.Audit;

/// <summary>Key of the auditor in the actor registry.</summary>
public sealed class KeyAuditorKey;

/// <summary>Puts the auditor of a node together.</summary>
public static class AuditParts
{
    /// <summary>A sentence when the audit key cannot be used, else null; makes the key when there is none.</summary>
    public static string? Prepare(AuditSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        using var seed = new AuditKeyFile(settings.KeyFile).Open(out var problem);
        return seed is null ? problem : null;
    }

    public static AkkaConfigurationBuilder AddAudit(this AkkaConfigurationBuilder builder, ConfClusterSettings settings, TimeProvider clock)
    {
        ArgumentNullException.ThrowIfNull(settings);
        var database = settings.Journal.Database;
        return builder.WithActors((system, registry) =>
        {
            var file = new AuditKeyFile(settings.Audit.KeyFile);
            var seed = file.Open(out var problem) ?? throw new InvalidOperationException(problem);
            var signer = new AuditSigner(new AuditJournal(database), file.HeadDirectory, seed, JournalReader.LastRow(database), clock);
            registry.Register<KeyAuditorKey>(system.ActorOf(Props.Create(() => new KeyAuditor(signer, settings.Audit.SignInterval)), "audit"));
        });
    }
}
