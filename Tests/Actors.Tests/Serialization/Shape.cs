using System.Collections;
using System.Globalization;
using System.Net;
using System.Reflection;
using Akka.Actor;
using ConfCluster.Protocols.Mikey;
using ConfCluster.Protocols.Sip.Messages;

namespace ConfCluster.Actors.Tests.Serialization;

/// <summary>Everything a message says, as text: arrays by their content, which records do not compare.</summary>
internal static class Shape
{
    public static string Of(object? value) => value switch
    {
        null => "null",
        string s => $"\"{s}\"",
        DateTimeOffset at => at.UtcTicks.ToString(CultureInfo.InvariantCulture),
        SipUri uri => uri.ToString(),
        SipHeaders headers => Of(headers.Fields.ToArray()),
        SipBody body => Convert.ToHexString(body.Span),
        Octets octets => Convert.ToHexString(octets.Span),
        MessageKeys keys => keys.ToString(),
        IActorRef actor => actor.Path.ToStringWithoutAddress(),
        IPEndPoint endPoint => endPoint.ToString(),
        IEnumerable items => $"[{string.Join(", ", items.Cast<object?>().Select(Of))}]",
        _ when value.GetType() is { IsPrimitive: false, IsEnum: false } type => $"{type.Name}({string.Join(", ", Members(type, value))})",
        _ => Convert.ToString(value, CultureInfo.InvariantCulture)!,
    };

    private static IEnumerable<string> Members(Type type, object value) =>
        type.GetProperties(BindingFlags.Instance | BindingFlags.Public)
            .Where(p => p.GetIndexParameters().Length == 0 && p.Name != "EqualityContract" && p.PropertyType != type)
            .OrderBy(p => p.Name, StringComparer.Ordinal).Select(p => $"{p.Name}={Of(p.GetValue(value))}");
}
