using System.Runtime.Serialization;
using Akka.Actor;
using Akka.Actor.Setup;
using Akka.TestKit.Xunit2;
using ConfCluster.Actors.Conference;
using ConfCluster.Actors.Media;
using ConfCluster.Actors.Participant;
using ConfCluster.Actors.Serialization;
using ConfCluster.Actors.Sip;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Focus;
using ConfCluster.Support;
using Xunit;

namespace ConfCluster.Actors.Tests.Serialization;

public sealed class WireTests() : TestKit(ActorSystemSetup.Create(
    BootstrapSetup.Create().WithConfig("akka.actor.serialization-settings.allow-unregistered-types = false"), EngineDefaults.Serializers()))
{
    public static TheoryData<string> Manifests => [.. WireTable.Entries.Select(e => e.Manifest)];

    public static TheoryData<int> Gaps => [.. Enumerable.Range(0, WireSamples.WithGaps.Count)];

    [Theory]
    [MemberData(nameof(Manifests))]
    public void What_was_written_once_is_readable_for_ever(string manifest)
    {
        var sample = WireSamples.Golden[manifest];
        var today = Convert.ToHexStringLower(WireTable.Of(sample.GetType()).Write(sample));
        Assert.True(
            File.Exists(VectorFile.PathOf($"wire/{manifest}.hex")), $"Vectors/wire/{manifest}.hex is missing; today it would hold {today}");
        var bytes = VectorFile.Hex(string.Concat(VectorFile.Lines($"wire/{manifest}.hex")));
        Assert.Equal(Shape.Of(sample), Shape.Of(Sys.Serialization.Deserialize(bytes, 7001, manifest)));
    }

    [Fact]
    public void No_golden_file_has_lost_its_manifest() =>
        Assert.Empty(VectorFile.Names("wire", "hex").Except(WireTable.Entries.Select(e => e.Manifest)));

    [Theory]
    [MemberData(nameof(Manifests))]
    public void Every_message_comes_back_as_it_was(string manifest)
    {
        var sample = WireSamples.Golden[manifest];
        Assert.Equal(manifest, ((ConfClusterSerializer)Sys.Serialization.FindSerializerFor(sample)).Manifest(sample));
        AssertRoundTrip(sample);
    }

    [Theory]
    [MemberData(nameof(Gaps))]
    public void What_is_absent_comes_back_absent(int index) => AssertRoundTrip(WireSamples.WithGaps[index]);

    [Fact]
    public void A_stored_event_is_equal_to_the_one_that_was_made()
    {
        foreach (var made in WireSamples.Golden.Values.OfType<ConferenceEvent>())
        {
            var entry = WireTable.Of(made.GetType());
            Assert.Equal(made, entry.Read(entry.Write(made)));
        }
    }

    [Fact]
    public void Every_fact_and_every_message_between_entities_has_a_manifest_or_is_refused_for_its_secrets()
    {
        var wire = WireTable.Entries.Select(e => e.Type).Concat(SecretMessageSerializer.Types).ToHashSet();
        var facts = Nested(typeof(ConferenceEvent)).Concat(Nested(typeof(DialogFact)));
        Type[] marks = [typeof(IConferenceMessage), typeof(IParticipantMessage), typeof(IMixerMessage)];
        var messages = typeof(IConferenceMessage).Assembly.GetTypes().Where(t => !t.IsInterface && marks.Any(m => m.IsAssignableFrom(t)));
        Type[] endpoint = [typeof(Respond), typeof(SendRequest), typeof(SendAck)];
        Assert.Empty(facts.Concat(messages).Concat(endpoint).Where(t => !wire.Contains(t)).Select(t => t.FullName));
    }

    [Fact]
    public void Messages_with_keys_stay_in_the_process()
    {
        foreach (var type in SecretMessageSerializer.Types)
        {
            var serializer = Sys.Serialization.FindSerializerForType(type);
            var refusal = Assert.Throws<SerializationException>(
                () => serializer.ToBinary(System.Runtime.CompilerServices.RuntimeHelpers.GetUninitializedObject(type)));
            Assert.StartsWith($"{type.Name} may hold keys", refusal.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Keys_that_come_from_elsewhere_are_not_read()
    {
        var refusal = Assert.Throws<SerializationException>(() => Sys.Serialization.Deserialize([1, 2, 3], 7002, "secret"));
        Assert.Contains("keys do not leave the process", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Nobody_is_serialized_by_reflection() =>
        Assert.Throws<SerializationException>(() => Sys.Serialization.FindSerializerForType(typeof(Unknown)));

    [Fact]
    public void A_manifest_of_a_newer_version_is_named() => Assert.Contains(
        "c.future.9", Assert.Throws<SerializationException>(() => WireTable.Of("c.future.9")).Message, StringComparison.Ordinal);

    private static IEnumerable<Type> Nested(Type union) => union.GetNestedTypes().Where(union.IsAssignableFrom);

    private void AssertRoundTrip(object sample)
    {
        var serializer = (ConfClusterSerializer)Sys.Serialization.FindSerializerFor(sample);
        var bytes = serializer.ToBinary(sample);
        Assert.Equal(Shape.Of(sample), Shape.Of(serializer.FromBinary(bytes, serializer.Manifest(sample))));
    }

    private sealed record Unknown(string Text);
}
