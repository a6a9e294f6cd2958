using System.Collections.Immutable;

namespace ConfCluster.Protocols.Mikey.Payloads;

/// <summary>RFC 3830 §6.10.</summary>
public enum ProtocolType : byte
{
    Srtp = 0,
    Tesla = 1,
}

/// <summary>One parameter of a policy as it travels.</summary>
public readonly record struct PolicyParameter(byte Type, Octets Value);

/// <summary>SP: how a stream is protected (RFC 3830 §6.10). <see cref="SrtpPolicy"/> says what the parameters mean for SRTP.</summary>
public sealed record SecurityPolicy(byte Policy, ProtocolType Protocol, ListOf<PolicyParameter> Parameters) : MikeyPayload
{
    public override PayloadType Number => PayloadType.Sp;

    internal static MikeyError Read(ref OctetReader reader, out MikeyPayload? payload)
    {
        payload = null;
        if (!reader.TryByte(out var policy) || !reader.TryByte(out var protocol) || !reader.TryWord(out var length)
            || !reader.Try(length, out var field)) return MikeyError.Truncated;
        var parameters = ImmutableArray.CreateBuilder<PolicyParameter>();
        for (var inner = new OctetReader(field); inner.Left > 0;)
        {
            if (!inner.TryByte(out var type) || !inner.TryShort(out var value)) return MikeyError.BadPolicy;
            parameters.Add(new PolicyParameter(type, value));
        }

        payload = new SecurityPolicy(policy, (ProtocolType)protocol, new(parameters.ToImmutable()));
        return MikeyError.None;
    }

    internal override void WriteBody(OctetWriter writer)
    {
        writer.Byte(Policy);
        writer.Byte((byte)Protocol);
        writer.Word(Parameters.Items.Sum(p => 2 + p.Value.Length));
        foreach (var parameter in Parameters.Items)
        {
            writer.Byte(parameter.Type);
            writer.Short(parameter.Value);
        }
    }
}
