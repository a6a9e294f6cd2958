using Akka.Actor;
using Akka.Hosting;
using ConfCluster.Actors.Settings;
using ConfCluster.Protocols.Mikey.Kms;

namespace ConfCluster.Actors.Keys;

/// <summary>The focus's way to its KMS, for a node that has one.</summary>
public static class KeyManagementParts
{
    /// <summary>Null, or why the node cannot start: the key that it was told of is not there.</summary>
    public static string? Prepare(ConfClusterSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        if (settings.PreShared.IsEnabled)
        {
            using var key = SecretFile.Open(settings.PreShared.KeyFile, KmsUserTable.KeyLength, out var missing);
            if (key is null) return missing;
            if (!KmsUserFile.TryRead(settings.PreShared.UserFile, key, out var users, out missing)) return missing;
            users!.Dispose();
        }

        if (settings.KmsUser.Url is null) return null;
        using var secret = KmsSecret.Read(settings.KmsUser.PskFile, settings.KmsUser.Rsa, out var problem);
        if (secret is null) return problem;
        return KmsTrust.Read(settings.KmsUser.TlsTrust, out problem) is null ? problem : null;
    }

    public static AkkaConfigurationBuilder AddKmsGateway(
        this AkkaConfigurationBuilder builder, ConfClusterSettings settings, EntityRegions regions, TimeProvider clock)
    {
        ArgumentNullException.ThrowIfNull(settings);
        ArgumentNullException.ThrowIfNull(regions);
        if (settings.KmsUser.Url is null) return builder.AddPreShared(settings, regions, clock);
        return builder.WithActors((system, _) =>
        {
            var secret = KmsSecret.Read(settings.KmsUser.PskFile, settings.KmsUser.Rsa, out var problem) ?? throw new InvalidOperationException(problem);
            regions.KmsGateway = system.ActorOf(PropsOf(settings.KmsUser, secret, clock), "kms");
        }).AddPreShared(settings, regions, clock);
    }

    /// <summary>After the gateway, to which it passes on what is not its own.</summary>
    private static AkkaConfigurationBuilder AddPreShared(
        this AkkaConfigurationBuilder builder, ConfClusterSettings settings, EntityRegions regions, TimeProvider clock)
    {
        if (!settings.PreShared.IsEnabled) return builder;
        return builder.WithActors((system, _) =>
        {
            var key = SecretFile.Open(settings.PreShared.KeyFile, KmsUserTable.KeyLength, out var problem) ?? throw new InvalidOperationException(problem);
            var (kms, users) = (regions.KmsGateway, new KmsUserFile(settings.PreShared.UserFile, key));
            regions.KmsGateway = system.ActorOf(Props.Create(() => new PreSharedKeeper(settings.PreShared, users, kms, clock)), "pre-shared");
        });
    }

    public static Props PropsOf(KmsUserSettings settings, KmsSecret secret, TimeProvider clock)
    {
        ArgumentNullException.ThrowIfNull(settings);
        var trust = KmsTrust.Read(settings.TlsTrust, out var problem) ?? throw new InvalidOperationException(problem);
        return Create(settings, secret, new KmsHttp([settings.Url!, .. settings.Others], trust, settings.Timeout, clock), clock);
    }

    private static Props Create(KmsUserSettings settings, KmsSecret secret, KmsHttp http, TimeProvider clock) =>
        Props.Create(() => new KmsGateway(settings, secret, http, clock));
}
