using System.CommandLine;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using ConfCluster.Actors.Keys;
using ConfCluster.Actors.Phone.Load;
using ConfCluster.Host.Roles;
using ConfCluster.Protocols.Sip.Messages;

namespace ConfCluster.Host.Commands;

/// <summary><c>load</c>: many phones of one process in one conference or in several, and a report of what they missed.</summary>
internal static class LoadCommand
{
    private const int Phones = 100;
    private const int Talkers = 3;

    public static Command Create()
    {
        var conference = new Option<string>("--conference") { Description = "The conference that is called.", HelpName = "NAME", Required = true };
        var server = new Option<IPEndPoint>("--sip")
        {
            Description = "The node's SIP.",
            HelpName = "ADDRESS:PORT",
            CustomParser = a => ReadEndPoint(a.Tokens[0].Value, a.AddError),
            DefaultValueFactory = _ => new IPEndPoint(IPAddress.Loopback, 5060),
        };
        var transport = new Option<string>("--transport") { Description = "udp, or tcp: a connection for each phone.", DefaultValueFactory = _ => "udp" };
        transport.AcceptOnlyFromAmong("udp", "tcp");
        var conferences = Count("--conferences", 1, "The phones take turns with so many: NAME-0, NAME-1, ...", 1, 10_000);
        var phones = Count("--phones", Phones, "Phones in all.", 1, 10_000);
        var talkers = Count("--talkers", Talkers, "Phones of each conference that say a tone; the others send silence.", 0, LoadOptions.MostTalkers);
        var canaries = Count("--canaries", 10, "Phones that check which tones they hear.", 0, 10_000);
        var joins = Rate("--join-rate", 50, "Calls begun per second.", mayBeZero: false);
        var leaves = Rate("--leave-rate", 0, "Listeners that hang up per second, while others call in their places.", mayBeZero: true);
        var ends = Rate("--end-rate", 100, "Calls ended per second when it is over.", mayBeZero: false);
        var duration = new Option<TimeSpan>("--for")
        {
            Description = "How long it lasts once all are in: 10s, 500ms, 2m.",
            HelpName = "TIME",
            CustomParser = CallCommand.ReadTime,
            DefaultValueFactory = _ => TimeSpan.FromSeconds(60),
        };
        var mki = new Option<bool>("--mki") { Description = "Give the phones' keys an MKI." };
        var srtp = new Option<string>("--srtp")
        {
            Description = "sdes, or mikey: each call under a ticket of its own from --kms, all got before the first one.",
            DefaultValueFactory = _ => "sdes",
        };
        srtp.AcceptOnlyFromAmong("sdes", "mikey");
        var kms = new KmsOptions();
        var user = new Option<string?>("--user") { Description = "Whom the KMS knows all the phones as, with --srtp mikey.", HelpName = "URI" };
        var url = new Option<Uri>("--url")
        {
            Description = "Where the node's /metrics are.",
            HelpName = "URL",
            CustomParser = ConferenceCommands.ReadUrl,
            DefaultValueFactory = _ => new Uri("http://127.0.0.1:8080"),
        };
        var json = Output.JsonOption();
        var load = new Command("load", "Fill a conference with phones and report what they missed.")
        {
            conference, conferences, server, transport, phones, talkers, canaries, joins, leaves, ends, duration, mki, srtp, user, url, json,
        };
        kms.AddTo(load, srtp, user);
        load.Validators.Add(r =>
        {
            // What is not given has no value yet while the command line is checked.
            var saying = r.GetResult(talkers) is { Implicit: false } t ? t.GetValueOrDefault<int>() : Talkers;
            var all = r.GetResult(phones) is { Implicit: false } p ? p.GetValueOrDefault<int>() : Phones;
            var spread = r.GetResult(conferences) is { Implicit: false } c ? c.GetValueOrDefault<int>() : 1;
            if (saying * spread > all) r.AddError($"--talkers {(spread > 1 ? "times --conferences " : "")}must not be more than --phones.");
            if (spread > 1 && r.GetResult(srtp) is { Implicit: false } s && s.GetValueOrDefault<string>() == "mikey")
                r.AddError("--srtp mikey gets tickets for one conference.");
        });
        load.SetAction((r, _) => kms.RunAsync(r, r.GetValue(srtp)!, r.GetValue(user), (phoneKms, _, secret) => RunAsync(
            new LoadOptions(
                r.GetValue(conference)!, r.GetValue(server)!, r.GetValue(phones), r.GetValue(talkers), r.GetValue(canaries), r.GetValue(joins),
                r.GetValue(leaves), r.GetValue(duration), r.GetValue(mki))
            {
                Conferences = r.GetValue(conferences),
                EndRate = r.GetValue(ends),
                Transport = r.GetValue(transport) == "tcp" ? SipTransport.Tcp : SipTransport.Udp,
                Kms = phoneKms,
            },
            secret, r.GetValue(url)!, r.GetValue(json))));
        return load;
    }

    private static async Task<int> RunAsync(LoadOptions options, KmsSecret? secret, Uri url, bool json)
    {
        using var signals = new StopSignals();
        using var stop = new CancellationTokenSource();
        using var http = new HttpClient { BaseAddress = url, Timeout = TimeSpan.FromSeconds(10) };
        var before = await FiguresAsync(http);
        LoadReport report;
        try
        {
            var load = LoadGenerator.RunAsync(options, TimeProvider.System, stop.Token, secret);
            if (await Task.WhenAny(load, signals.Requested) != load) await stop.CancelAsync();
            report = await load;
        }
        catch (Exception e) when (e is IOException or SocketException)
        {
            return Output.Fail(e.Message);
        }

        if (before is not null && await FiguresAsync(http) is { } after) report = report with { Node = after.Since(before) };
        if (json) Output.WriteJson(report);
        else Output.Table(["Load", Text($"{options.Phones} phones, {options.Talkers} talkers in {Places(options)}")], Rows(report));
        return report.Succeeded ? ExitCode.Done : ExitCode.Failed;
    }

    /// <summary>A node elsewhere may keep its metrics to itself; the phones have figures of their own.</summary>
    private static async Task<NodeFigures?> FiguresAsync(HttpClient http)
    {
        try
        {
            return NodeFigures.Read(await http.GetStringAsync(new Uri("/metrics", UriKind.Relative)));
        }
        catch (Exception e) when (e is HttpRequestException or TaskCanceledException)
        {
            return null;
        }
    }

    private static string Places(LoadOptions options) =>
        options.Conferences == 1 ? options.Conference : Text($"each of {options.Conference}-0 to {options.Conference}-{options.Conferences - 1}");

    private static IEnumerable<string[]> Rows(LoadReport r)
    {
        yield return ["Joined", Text($"{r.Joined} of {r.Calls} calls, {r.JoinsPerSecond} per second")];
        foreach (var (reason, count) in r.Failures) yield return ["Failed", Text($"{count} calls: {reason}")];
        yield return ["Answered after", Text($"{r.SetupMedianMilliseconds} ms (median), {r.SetupMaxMilliseconds} ms (longest)")];
        yield return ["Packets", Text($"{r.PacketsSent} sent, {r.PacketsReceived} received")];
        yield return ["Lost", Text($"{r.PacketsLost} packets of {r.LegsWithLoss} phones, at most {r.MostLost} of one")];
        yield return
        [
            "Gaps",
            Text($"at {r.LegsWithGaps} phones, the longest {r.LongestGapMilliseconds} ms (p50 {r.MedianGapMilliseconds} ms, p99 {r.P99GapMilliseconds} ms)"),
        ];
        yield return ["Dropped", Text($"{r.AuthFailures} not authentic, {r.Undecryptable} under an unknown key, {r.Malformed} malformed")];
        yield return ["Tones", Text($"right in {r.TonesRight} half seconds, wrong in {r.TonesWrong}, in {r.TonesInterrupted} of them a packet was late or missing")];
        yield return
        [
            "Load's own clock",
            Text($"late by {r.ClockLateMilliseconds} ms at worst") + (r.IsJudge ? "" : ": too late to judge a node; give it fewer phones or a processor of its own"),
        ];
        if (r.Node is not { } node)
        {
            yield return ["Node", "its metrics were not to be had; --url names where they are"];
            yield break;
        }

        yield return ["Mixer late (since its start)", Text($"{node.LatenessP99Milliseconds} ms (p99), {node.LatenessMaxMilliseconds} ms (most)")];
        yield return ["Node", Text($"{node.Sent} packets sent, {node.SendFailures} not sent, {node.Rebased} pauses, {node.AuthFailures} not authentic")];
    }

    private static Option<int> Count(string name, int value, string description, int least, int most)
    {
        var option = new Option<int>(name) { Description = description, HelpName = "N", DefaultValueFactory = _ => value };
        option.Validators.Add(r =>
        {
            if (r.GetValueOrDefault<int>() is var n && (n < least || n > most)) r.AddError($"{name} must be from {least} to {most}.");
        });
        return option;
    }

    private static Option<double> Rate(string name, double value, string description, bool mayBeZero)
    {
        var option = new Option<double>(name) { Description = description, HelpName = "N", DefaultValueFactory = _ => value };
        option.Validators.Add(r =>
        {
            var given = r.GetValueOrDefault<double>();
            if (given is not (>= 0 and <= 10_000)) r.AddError($"{name} must be from 0 to 10000.");
            if (given == 0 && !mayBeZero) r.AddError($"{name} must be more than 0.");
        });
        return option;
    }

    private static IPEndPoint? ReadEndPoint(string text, Action<string> refuse)
    {
        if (IPEndPoint.TryParse(text, out var endPoint) && endPoint.Port > 0) return endPoint;
        refuse($"'{text}' is no address with a port: 127.0.0.1:5060, [::1]:5060.");
        return null;
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
