using System.Globalization;
using System.Text;
using ConfCluster.Protocols.Mikey;
using ConfCluster.Protocols.Mikey.Payloads;
using Xunit;

namespace ConfCluster.Interop.Tests;

/// <summary>The fields of MIKEY messages as tshark names and prints them: what it reads, and what our decoder reads.</summary>
internal static class MikeyFields
{
    /// <summary>IANA's port, at which tshark looks for MIKEY without being told.</summary>
    private const int Port = 2269;

    /// <summary>Of HDR and T: tshark reads them in every message, and the rest of those that have nothing newer than RFC 3830.</summary>
    private static readonly string[] Head =
    [
        "mikey.version", "mikey.type", "mikey.v.set", "mikey.prf_func", "mikey.csb_id", "mikey.cs_count", "mikey.cs_id_map_type",
    ];

    private static readonly string[] Rest =
    [
        "mikey.next_payload", "mikey.srtp_id.policy_no", "mikey.srtp_id.ssrc", "mikey.srtp_id.roc", "mikey.t.ts_type", "mikey.t.ntp", "mikey.rand.data", "mikey.id.type",
        "mikey.id.data", "mikey.sp.no", "mikey.sp.proto_type", "mikey.sp.param.type", "mikey.sp.param.len", "mikey.sp.patam.value", "mikey.ext.type",
        "mikey.ext.value", "mikey.kemac.encr_alg", "mikey.kemac.key_data", "mikey.kemac.mac_alg", "mikey.kemac.mac", "mikey.v.auth_alg", "mikey.v.ver_data",
    ];

    /// <summary>All that tshark says of each message, as <c>field=value</c>; <c>|</c> between repeated values.</summary>
    /// <param name="headOnly">Of a message with payloads that it does not know: what comes before them.</param>
    public static async Task<IReadOnlyList<string[]>> ByTsharkAsync(IReadOnlyList<byte[]> messages, bool headOnly)
    {
        var program = Peers.Require("text2pcap", "wireshark-common");
        Peers.Require("tshark", "tshark");
        var directory = Directory.CreateTempSubdirectory("confcluster-mikey-").FullName;
        try
        {
            var (hex, file) = (Path.Combine(directory, "messages.txt"), Path.Combine(directory, "messages.pcap"));
            await File.WriteAllLinesAsync(hex, messages.Select(m => $"000000 {string.Join(' ', m.Select(b => b.ToString("x2", CultureInfo.InvariantCulture)))}"));
            using var written = await ChildProcess.RunAsync(program, ["-q", "-u", $"{Port},{Port}", hex, file], TimeSpan.FromSeconds(30));
            Assert.True(written.ExitCode == 0, written.Output);
            var fields = headOnly ? Head : [.. Head, .. Rest];
            using var tshark = await ChildProcess.RunAsync(
                "tshark", ["-r", file, "-T", "fields", "-E", "separator=/t", "-E", "aggregator=|", "-e", "frame.number", .. fields.SelectMany(f => new[] { "-e", f })],
                TimeSpan.FromSeconds(60));
            var rows = tshark.Output.Split('\n').Select(l => l.TrimEnd('\r').Split('\t')).Where(r => r.Length == fields.Length + 1).ToList();
            Assert.True(rows.Count == messages.Count, tshark.Output);
            return [.. rows.Select(row => fields.Select((f, i) => $"{f}={Plain(f, row[i + 1])}").ToArray())];
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    /// <summary>The same of what our decoder reads.</summary>
    public static string[] ByUs(byte[] octets, bool headOnly)
    {
        Assert.True(MikeyReader.TryRead(octets, out var m, out var error), $"{error}");
        return headOnly ? [.. HeadOf(m!)] : [.. HeadOf(m!), .. RestOf(m!)];
    }

    private static IEnumerable<string> HeadOf(MikeyMessage m)
    {
        var map = m.Header.Map switch { CsIdMap.Srtp => 0, CsIdMap.Empty => 1, _ => 2 };
        object[] values = [1, (int)m.Header.Type, m.Header.V ? 1 : 0, (int)m.Header.Prf, $"0x{m.CsbId:x8}", m.Header.Map.Count, map];
        return Head.Select((f, i) => $"{f}={values[i]}");
    }

    private static IEnumerable<string> RestOf(MikeyMessage m)
    {
        IEnumerable<SrtpSession> sessions = m.Header.Map is CsIdMap.Srtp srtp ? srtp.Sessions : [];
        var (t, rand, kemac, v) = (m.First<Timestamp>(), m.First<RandomValue>(), m.First<Kemac>(), m.First<Verification>());
        var parameters = m.All<SecurityPolicy>().SelectMany(p => p.Parameters).ToList();
        string[] values =
        [
            Join(m.Payloads.Select(p => (int)p.Number).Append(0)), Join(sessions.Select(s => s.Policy)), Join(sessions.Select(s => $"0x{s.Ssrc:x8}")),
            Join(sessions.Select(s => $"0x{s.Roc:x8}")), $"{(int)t!.Time.Type}", Written(t.Time.Value), rand is null ? "" : Hex(rand.Value),
            Join(m.All<NamedIdentity>().Select(i => (int)i.Identity.Type)), Join(m.All<NamedIdentity>().Select(i => i.Identity.ToString())),
            Join(m.All<SecurityPolicy>().Select(p => p.Policy)), Join(m.All<SecurityPolicy>().Select(p => (int)p.Protocol)), Join(parameters.Select(p => p.Type)),
            Join(parameters.Select(p => p.Value.Length)), Join(parameters.Select(p => Hex(p.Value))), Join(m.All<GeneralExtension>().Select(e => (int)e.Type)),
            Join(m.All<GeneralExtension>().Select(e => Encoding.ASCII.GetString(e.Value.Span))), kemac is null ? "" : $"{(int)kemac.Encryption}",
            kemac is null ? "" : Hex(kemac.Encrypted), kemac is null ? "" : $"{(int)kemac.MacAlgorithm}", kemac is null ? "" : Known(kemac.MacAlgorithm, kemac.Mac),
            v is null ? "" : $"{(int)v.Algorithm}", v is null ? "" : Known(v.Algorithm, v.Mac),
        ];
        return Rest.Select((f, i) => $"{f}={values[i]}");
    }

    /// <summary>The MAC of RFC 6043 §6.2 has a number that tshark prints and a length that it does not know.</summary>
    private static string Known(MacAlgorithm algorithm, Octets mac) => algorithm == MacAlgorithm.HmacSha1 ? Hex(mac) : "";

    /// <summary>tshark's way of writing NTP time, to the nanosecond.</summary>
    private static string Written(ulong ntp)
    {
        var at = new DateTimeOffset(1900, 1, 1, 0, 0, 0, TimeSpan.Zero).AddSeconds(ntp >> 32);
        // RFC 4330 §3: without its highest bit the count begins in 2036.
        if (ntp >> 63 == 0) at = at.AddSeconds(1L << 32);
        var fraction = (ntp & uint.MaxValue) * 1_000_000_000 >> 32;
        return string.Create(CultureInfo.InvariantCulture, $"{at:MMM} {at.Day,2}, {at:yyyy HH:mm:ss}.{fraction:d9} UTC");
    }

    private static string Plain(string field, string value) => field == "mikey.v.set" ? value.ToUpperInvariant() switch { "TRUE" => "1", "FALSE" => "0", _ => value } : value;

    private static string Join<T>(IEnumerable<T> values) => string.Join('|', values);

    private static string Hex(Octets octets) => Convert.ToHexStringLower(octets.Span);
}
