using System.Runtime.Serialization;
using Akka.Actor;
using Akka.Actor.Setup;
using Akka.Configuration;
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
    BootstrapSetup.Create().WithConfig(Engine), EngineDefaults.Serializers()))
{
    private const string Engine = """
        akka.actor.serialization-settings.allow-unregistered-types = false
        akka.remote.dot-netty.tcp.hostname = "127.0.0.1"
        """;

    public static TheoryData<string> Manifests => [.. WireTable.Entries.Select(e => e.Manifest)];

    public static TheoryData<string> SecretManifests => [.. SecretSamples.Manifests];

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
        Assert.Empty(VectorFile.Names("wire", "hex").Except(WireTable.Entries.Select(e => e.Manifest)).Except(SecretSamples.Manifests));

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
        var wire = WireTable.Entries.Select(e => e.Type).Concat(Secret.Types).ToHashSet();
        var facts = Nested(typeof(ConferenceEvent)).Concat(Nested(typeof(DialogFact)));
        Type[] marks = [typeof(IConferenceMessage), typeof(IParticipantMessage), typeof(IMixerMessage)];
        var messages = typeof(IConferenceMessage).Assembly.GetTypes().Where(t => !t.IsInterface && marks.Any(m => m.IsAssignableFrom(t)));
        Type[] endpoint = [typeof(Respond), typeof(SendRequest), typeof(SendAck), typeof(LocateServers), typeof(DialogOver)];
        Assert.Empty(facts.Concat(messages).Concat(endpoint).Where(t => !wire.Contains(t)).Select(t => t.FullName));
    }

    [Theory]
    [MemberData(nameof(SecretManifests))]
    public void A_message_with_keys_comes_back_as_it_was(string manifest)
    {
        var sample = SecretSamples.Make(TestActor)[manifest];
        Assert.Equal(manifest, Secret.Manifest(sample));
        var shape = SecretSamples.ShapeOf(sample);
        var bytes = Secret.ToBinary(sample);
        Assert.Equal(shape, SecretSamples.ShapeOf(Secret.FromBinary(bytes, manifest)));
        Assert.All(bytes, b => Assert.Equal(0, b));
    }

    [Theory]
    [MemberData(nameof(SecretManifests))]
    public void A_message_with_keys_of_an_older_node_is_readable(string manifest)
    {
        // A path that is the same in every run.
        var sample = SecretSamples.Make(Sys.DeadLetters)[manifest];
        var today = Convert.ToHexStringLower(Secret.ToBinary(sample));
        Assert.True(File.Exists(VectorFile.PathOf($"wire/{manifest}.hex")), $"Vectors/wire/{manifest}.hex is missing; today it would hold {today}");
        var bytes = VectorFile.Hex(string.Concat(VectorFile.Lines($"wire/{manifest}.hex")));
        Assert.Equal(SecretSamples.ShapeOf(SecretSamples.Make(Sys.DeadLetters)[manifest]), SecretSamples.ShapeOf(Sys.Serialization.Deserialize(bytes, 7002, manifest)));
    }

    [Fact]
    public void What_was_added_to_a_message_with_keys_comes_back_as_well()
    {
        foreach (var sample in SecretSamples.WithMore())
        {
            var shape = SecretSamples.ShapeOf(sample);
            Assert.Equal(shape, SecretSamples.ShapeOf(Secret.FromBinary(Secret.ToBinary(sample), Secret.Manifest(sample))));
        }
    }

    [Fact]
    public void Every_message_with_keys_has_a_sample() =>
        Assert.Equal(Secret.Types.Except(SecretMessageSerializer.Refused).Select(t => t.Name).Order(), SecretSamples.Make(TestActor).Values.Select(s => s.GetType().Name).Order());

    [Fact]
    public void What_was_sent_with_keys_is_made_unreadable_when_it_cannot_be_wanted_again()
    {
        var key = (SetGroupKey)SecretSamples.Make(TestActor)["s.groupkey.1"];
        var request = (SendRequest)SecretSamples.Make(TestActor)["s.send.1"];
        Secret.ToBinary(key);
        Secret.ToBinary(request);
        Secret.ToBinary(key);
        Secret.Sent.Sweep(TimeSpan.MaxValue);
        Assert.Throws<ObjectDisposedException>(() => key.Key.Keys[0].KeyAndSalt.Reveal());
        Assert.All(request.Request.Body.Span.ToArray(), b => Assert.Equal(0, b));
        Assert.Equal(0, Secret.Sent.Count);
    }

    [Fact]
    public void What_a_node_says_to_its_KMS_gateway_stays_in_the_process()
    {
        foreach (var type in SecretMessageSerializer.Refused)
        {
            var serializer = Sys.Serialization.FindSerializerForType(type);
            var refusal = Assert.Throws<SerializationException>(
                () => serializer.ToBinary(System.Runtime.CompilerServices.RuntimeHelpers.GetUninitializedObject(type)));
            Assert.Equal($"{type.Name} may hold keys and stays in the process.", refusal.Message);
        }
    }

    [Theory]
    [InlineData("0.0.0.0", "off", false)]
    [InlineData("192.0.2.1", "off", false)]
    [InlineData("", "off", false)]
    [InlineData("127.0.0.1", "off", true)]
    [InlineData("127.0.0.3", "off", true)]
    [InlineData("192.0.2.1", "on", true)]
    public void Keys_go_to_other_nodes_over_TLS_or_the_loopback_only(string host, string ssl, bool isProtected)
    {
        var engine = ConfigurationFactory.ParseString($"akka.remote.dot-netty.tcp {{ hostname = \"{host}\"\n enable-ssl = {ssl} }}");
        Assert.Equal(isProtected, InnerTransport.IsProtected(engine));
        var system = ActorSystem.Create("other", ActorSystemSetup.Create(BootstrapSetup.Create().WithConfig(engine), EngineDefaults.Serializers()));
        var serializer = (SecretMessageSerializer)system.Serialization.FindSerializerForType(typeof(SetGroupKey));
        var sample = SecretSamples.Make(TestActor)["s.groupkey.1"];
        if (isProtected) Assert.NotEmpty(serializer.ToBinary(sample));
        else
        {
            Assert.Contains("over TLS", Assert.Throws<SerializationException>(() => serializer.ToBinary(sample)).Message, StringComparison.Ordinal);
            Assert.Contains("over TLS", Assert.Throws<SerializationException>(() => serializer.FromBinary([1], "s.groupkey.1")).Message, StringComparison.Ordinal);
        }

        Shutdown(system);
    }

    [Fact]
    public void Nobody_is_serialized_by_reflection() =>
        Assert.Throws<SerializationException>(() => Sys.Serialization.FindSerializerForType(typeof(Unknown)));

    [Fact]
    public void A_manifest_of_a_newer_version_is_named() => Assert.Contains(
        "c.future.9", Assert.Throws<SerializationException>(() => WireTable.Of("c.future.9")).Message, StringComparison.Ordinal);

    private SecretMessageSerializer Secret => (SecretMessageSerializer)Sys.Serialization.FindSerializerForType(typeof(SetLegMedia));

    private static IEnumerable<Type> Nested(Type union) => union.GetNestedTypes().Where(union.IsAssignableFrom);

    private void AssertRoundTrip(object sample)
    {
        var serializer = (ConfClusterSerializer)Sys.Serialization.FindSerializerFor(sample);
        var bytes = serializer.ToBinary(sample);
        Assert.Equal(Shape.Of(sample), Shape.Of(serializer.FromBinary(bytes, serializer.Manifest(sample))));
    }

    private sealed record Unknown(string Text);
}
