using System.Collections.Immutable;
using System.Net;

namespace ConfCluster.Protocols.Sip.Resolution;

/// <summary>The record types that locating a server asks for (RFC 3263 §4).</summary>
public enum DnsType : byte { Naptr, Srv, A, Aaaa }

/// <summary>One question to the DNS; names are compared without case, so they are held in lower case.</summary>
public readonly record struct DnsQuestion(DnsType Type, string Name)
{
    public override string ToString() => $"{Type} {Name}";
}

/// <summary>What the DNS holds about a name, as far as SIP needs it.</summary>
public abstract record DnsRecord
{
    private DnsRecord()
    {
    }

    /// <summary>RFC 2915 §2, RFC 3263 §4.1.</summary>
    public sealed record Naptr(int Order, int Preference, string Flags, string Service, string Replacement) : DnsRecord;

    /// <summary>RFC 2782: a target of "." says that there is decidedly no such service.</summary>
    public sealed record Srv(int Priority, int Weight, int Port, string Target) : DnsRecord;

    public sealed record Address(IPAddress Value) : DnsRecord;
}

/// <summary>What came back; empty when there is no such record or nobody answered.</summary>
public sealed record DnsAnswer(DnsQuestion Question, ImmutableArray<DnsRecord> Records);
