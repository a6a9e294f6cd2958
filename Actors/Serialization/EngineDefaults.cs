using System.Collections.Immutable;
using Akka.Actor;
using Akka.Hosting;
using Akka.Serialization;
using ConfCluster.Actors.Journal;
using ConfCluster.Actors.Settings;

namespace ConfCluster.Actors.Serialization;

/// <summary>What the actors need of the engine: their serializers and their journal. How nodes find each other is the host's.</summary>
public static class EngineDefaults
{
    /// <summary>Every wire type bound to its serializer; goes with <c>allow-unregistered-types = false</c>.</summary>
    public static SerializationSetup Serializers() => SerializationSetup.Create(system =>
    {
        var secret = new SecretMessageSerializer(system);
        return
        [
            SerializerDetails.Create("confcluster", new ConfClusterSerializer(system), [.. WireTable.Entries.Select(e => e.Type)]),
            SerializerDetails.Create("confcluster-secret", secret, [.. secret.Types]),
        ];
    });

    /// <summary>Serializers and journal under what the caller has said already.</summary>
    public static AkkaConfigurationBuilder AddEngineDefaults(this AkkaConfigurationBuilder builder, ConfClusterSettings settings)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(settings);
        var journal = JournalBootstrap.Configuration(settings.Journal.Database);
        return builder.AddSetup(Serializers()).AddHocon(journal, HoconAddMode.Append);
    }
}
