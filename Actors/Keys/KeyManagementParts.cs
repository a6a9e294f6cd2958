using Akka.Actor;
using Akka.Hosting;
using ConfCluster.Actors.Settings;
using ConfCluster.Protocols.Wire;

namespace ConfCluster.Actors.Keys;

/// <summary>The focus's way to its KMS, for a node that has one.</summary>
public static class KeyManagementParts
{
    /// <summary>Null, or why the node cannot start: the key that it was told of is not there.</summary>
    public static string? Prepare(ConfClusterSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        if (settings.KmsUser.Url is null) return null;
        using var psk = SecretFile.Read(settings.KmsUser.PskFile, 0, out var problem);
        return psk is null ? problem : null;
    }

    public static AkkaConfigurationBuilder AddKmsGateway(
        this AkkaConfigurationBuilder builder, ConfClusterSettings settings, EntityRegions regions, TimeProvider clock)
    {
        ArgumentNullException.ThrowIfNull(settings);
        ArgumentNullException.ThrowIfNull(regions);
        if (settings.KmsUser.Url is null) return builder;
        return builder.WithActors((system, _) =>
        {
            var psk = SecretFile.Read(settings.KmsUser.PskFile, 0, out var problem) ?? throw new InvalidOperationException(problem);
            regions.KmsGateway = system.ActorOf(PropsOf(settings.KmsUser, psk, clock), "kms");
        });
    }

    public static Props PropsOf(KmsUserSettings settings, SecretBytes psk, TimeProvider clock)
    {
        ArgumentNullException.ThrowIfNull(settings);
        return Create(settings, psk, new KmsHttp(settings.Url!, settings.Timeout, clock), clock);
    }

    private static Props Create(KmsUserSettings settings, SecretBytes psk, KmsHttp http, TimeProvider clock) =>
        Props.Create(() => new KmsGateway(settings, psk, http, clock));
}
