using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using ConfCluster.Protocols.Sip.Messages;

namespace ConfCluster.Protocols.Sip.Transactions;

/// <summary>
/// What the server side writes into the top Via (RFC 3261 §18.2.1, RFC 3581 §4) and where its responses go (RFC 3261 §18.2.2). The
/// address of a datagram's response is always the one it came from: "maddr" would let anybody point us at a third party.
/// </summary>
public static class ViaStamp
{
    /// <summary>Adds "received" and the value of "rport"; whatever the peer claimed in their place is gone.</summary>
    public static SipRequest Stamp(SipRequest request, IPEndPoint source)
    {
        ArgumentNullException.ThrowIfNull(request);
        return request with { Headers = Stamp(request.Headers, request.Headers.Vias, source) };
    }

    /// <summary>The same for headers whose Via values are known (a refused message may have lines that cannot be read).</summary>
    internal static SipHeaders Stamp(SipHeaders headers, ImmutableArray<Via> vias, IPEndPoint source)
    {
        ArgumentNullException.ThrowIfNull(source);
        var top = vias[0];
        var parameters = top.Parameters.Without("received");
        // RFC 3581 §4: with rport, received is added even when it is equal to sent-by.
        if (top.WantsRport) parameters = parameters.With("rport", source.Port.ToString(CultureInfo.InvariantCulture));
        if (top.WantsRport || !IsSentBy(top, source.Address)) parameters = parameters.With("received", Plain(source.Address).ToString());
        return WithVias(headers, vias.SetItem(0, top with { Parameters = parameters }));
    }

    /// <summary>Where the responses to a request go that came over <paramref name="flow"/>: the same connection, or the datagram's source.</summary>
    public static SipFlow ResponseFlow(SipRequest request, SipFlow flow)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(flow);
        var via = request.Headers.TopVia;
        if (flow.IsReliable || via is null || via.WantsRport) return flow;
        return flow with { Remote = new IPEndPoint(flow.Remote.Address, via.Port ?? SipFlow.DefaultPort(flow.Transport)) };
    }

    /// <summary>RFC 3261 §18.2.2: when the request's connection is gone, the response opens one to the source at the port of sent-by.</summary>
    public static SipFlow Reconnect(SipResponse response, SipFlow flow)
    {
        ArgumentNullException.ThrowIfNull(response);
        ArgumentNullException.ThrowIfNull(flow);
        return flow with { Remote = new IPEndPoint(flow.Remote.Address, response.Headers.TopVia?.Port ?? SipFlow.DefaultPort(flow.Transport)), Connection = 0 };
    }

    private static bool IsSentBy(Via via, IPAddress source) => IPAddress.TryParse(via.Host, out var host) && Plain(host).Equals(Plain(source));

    private static IPAddress Plain(IPAddress address) => address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;

    /// <summary>One line per value, all where the first Via line stood.</summary>
    private static SipHeaders WithVias(SipHeaders headers, ImmutableArray<Via> vias)
    {
        var fields = ImmutableArray.CreateBuilder<SipHeader>(headers.Fields.Length + vias.Length);
        var written = false;
        foreach (var field in headers.Fields)
        {
            if (!string.Equals(field.Name, "Via", StringComparison.OrdinalIgnoreCase)) fields.Add(field);
            else if (!written)
            {
                fields.AddRange(vias.Select(v => new SipHeader("Via", v.ToString())));
                written = true;
            }
        }

        return new SipHeaders(fields.ToImmutable()) { Vias = vias };
    }
}
