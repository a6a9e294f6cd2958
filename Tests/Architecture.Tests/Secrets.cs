using System.Reflection;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Focus;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Srtp;
using ConfCluster.Protocols.Wire;
using Xunit;

namespace ConfCluster.Architecture.Tests;

/// <summary>Keys are never stored, and no message but those named here holds one or a packet.</summary>
public class Secrets
{
    private static readonly Type[] Raw =
        [typeof(byte[]), typeof(Memory<byte>), typeof(ReadOnlyMemory<byte>), typeof(ArraySegment<byte>), typeof(Stream)];

    private static readonly Type[] Secret = [typeof(SecretBytes), typeof(MasterKey)];

    [Theory]
    [InlineData(typeof(ConferenceEvent))]
    [InlineData(typeof(DialogFact))]
    public void No_stored_fact_reaches_key_bytes(Type union)
    {
        var facts = union.GetNestedTypes().Where(union.IsAssignableFrom).ToList();
        Assert.NotEmpty(facts);
        foreach (var fact in facts)
        {
            foreach (var reached in Reached(fact))
                Assert.False(Raw.Contains(reached.Type) || Secret.Contains(reached.Type), $"{fact.Name} reaches {reached.Type.Name} through {reached.Path}");
        }
    }

    [Fact]
    public void No_packet_and_no_key_passes_a_mailbox_but_in_the_messages_named_here()
    {
        // The ways of keys on one node: of a leg to the mixer, of an epoch from the KMS, to the mixer and to the participants, of mixers to each other, of a ticket or a
        // message under a pre-shared key (encrypted) to who opens it and (opened) to its
        // participant. A SIP message carries its body, SDP with key lines
        // included.
        Type[] allowed =
        [
            typeof(Actors.Media.SetLegMedia), typeof(Actors.Media.SetGroupKey), typeof(Actors.Media.SetTrunkKeys), typeof(Actors.Participant.JoinedInGroup),
            typeof(Actors.Participant.OfferGroupKey), typeof(Actors.Keys.ResolveTicket), typeof(Actors.Keys.TicketResolved),
            typeof(Actors.Keys.TicketGranted), typeof(Actors.Media.KeepLeg), typeof(Actors.Participant.LegFound),
            typeof(Actors.Keys.CheckPreShared), typeof(Actors.Keys.PreSharedChecked), typeof(Actors.Keys.GroupKeysGranted),
        ];
        var messages = Assemblies.Actors.GetTypes().Where(t => IsMessage(t) && !allowed.Contains(t));
        var breaches =
            from message in messages
            from reached in Reached(message, stopAt: [typeof(SipBody), typeof(SipMessage), typeof(SipRequest), typeof(SipResponse)])
            where Raw.Contains(reached.Type) || Secret.Contains(reached.Type)
            select $"{message.FullName} reaches {reached.Type.Name} through {reached.Path}";
        Breaches.None(breaches.Distinct());
    }

    [Fact]
    public void The_search_itself_finds_a_key_where_there_is_one() =>
        Assert.Contains(Reached(typeof(Actors.Media.SetLegMedia)), r => r.Type == typeof(MasterKey));

    /// <summary>Records of Actors are what actors tell each other; the settings and the serializers' tables are not.</summary>
    private static bool IsMessage(Type type) =>
        type.GetMethod("<Clone>$") is not null && type.Namespace is { } name && !name.Contains(".Settings", StringComparison.Ordinal)
        && !name.Contains(".Serialization", StringComparison.Ordinal);

    private static IEnumerable<(Type Type, string Path)> Reached(Type start, params Type[] stopAt)
    {
        var seen = new HashSet<Type> { start };
        var queue = new Queue<(Type Type, string Path)>([(start, start.Name)]);
        while (queue.TryDequeue(out var at))
        {
            yield return at;
            foreach (var (type, path) in Members(at.Type).SelectMany(m => Parts(m.Type).Select(t => (t, $"{at.Path}.{m.Name}"))))
            {
                if (!stopAt.Contains(type) && seen.Add(type)) queue.Enqueue((type, path));
            }
        }
    }

    private static IEnumerable<(Type Type, string Name)> Members(Type type)
    {
        if (!IsOurs(type)) return [];
        var cases = type.IsAbstract ? type.GetNestedTypes().Where(type.IsAssignableFrom).Select(t => (t, t.Name)) : [];
        const BindingFlags Instance = BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic;
        return type.GetFields(Instance).Select(f => (f.FieldType, f.Name)).Concat(cases);
    }

    private static IEnumerable<Type> Parts(Type type)
    {
        if (Raw.Contains(type)) return [type];
        if (type.IsArray) return [type.GetElementType()!];
        return type.IsGenericType ? [type, .. type.GetGenericArguments()] : [type];
    }

    private static bool IsOurs(Type type) => type.Namespace?.StartsWith("ConfCluster.", StringComparison.Ordinal) == true && !Secret.Contains(type);
}
