using ConfCluster.Actors.Audit;
using ConfCluster.Actors.Journal;
using ConfCluster.Actors.Keys;
using ConfCluster.Actors.Nodes;
using ConfCluster.Actors.Nodes.Links;
using ConfCluster.Actors.Settings;
using ConfCluster.Protocols.Srtp.Transforms;

namespace ConfCluster.Host.Roles;

/// <summary>What must hold before anything is started: each answers with a sentence, or null.</summary>
internal static class StartChecks
{
    public static string? Ciphers() => KnownAnswers.Run() is { IsEmpty: false } failed
        ? $"Known answers came out wrong ({string.Join(", ", failed)}); this build or machine cannot be trusted with calls."
        : null;

    public static string? Ports(ConfClusterSettings settings) => PortCheck.Refusal(settings);

    public static string? Audit(ConfClusterSettings settings) => settings.Cluster.Has(NodeRole.Focus) ? AuditParts.Prepare(settings.Audit) : null;

    /// <summary>What nodes prove to each other, and the secret that they share.</summary>
    public static string? Cluster(ConfClusterSettings settings)
    {
        if (settings.Cluster.Tls is { } tls)
        {
            using var certificates = NodeTls.Open(tls, TimeProvider.System, _ => { }, out var refused);
            if (certificates is null) return refused;
        }

        using var key = ClusterKey.Open(settings.Cluster.KeyFile, out var problem);
        return key is null ? problem : null;
    }

    public static string? Kms(ConfClusterSettings settings)
    {
        if (settings.Cluster.Has(NodeRole.Focus) && KeyManagementParts.Prepare(settings) is { } refusal) return refusal;
        if (!settings.Kms.IsEnabled || !settings.Cluster.Has(NodeRole.Kms)) return null;
        using var server = KeyManagementServer.Open(settings.Kms, TimeProvider.System, out var problem);
        if (server is null) return problem;
        if (settings.Kms.Https is null) return null;
        using var tls = KmsTls.Open(settings.Kms, TimeProvider.System, _ => { }, out problem);
        return tls is null ? problem : null;
    }

    public static string? Journal(ConfClusterSettings settings) => JournalBootstrap.Prepare(settings.Journal.Database);
}
