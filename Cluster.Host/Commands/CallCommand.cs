using System.Collections.Immutable;
using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using ConfCluster.Actors.Keys;
using ConfCluster.Actors.Phone;
using ConfCluster.Host.Roles;
using ConfCluster.Protocols.Codecs;
using ConfCluster.Protocols.Sip.Authentication;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Parsing;
using ConfCluster.Protocols.Srtp;
using ConfCluster.Protocols.Wire;

namespace ConfCluster.Host.Commands;

/// <summary><c>call URI</c>: the softphone makes one call and says how it was.</summary>
internal static class CallCommand
{
    private static readonly Dictionary<string, AudioCodec> CodecNames =
        AudioCodecs.OfPhones.ToDictionary(c => AudioFormat.Of(c).Encoding, StringComparer.OrdinalIgnoreCase);

    public static Command Create()
    {
        var target = new Argument<SipUri>("URI") { Description = "Whom to call: sip:NAME@HOST[:PORT], or sips: over TLS.", CustomParser = ReadTarget };
        var transport = new Option<SipTransport?>("--transport") { Description = "udp, tcp or tls; without it as the URI says, else udp." };
        var trust = new Option<string?>("--tls-trust") { Description = "PEM file with the roots that the server's certificate must lead to.", HelpName = "FILE" };
        var insecure = new Option<bool>("--tls-insecure") { Description = "Take any certificate of the server." };
        var srtp = new Option<string>("--srtp")
        {
            Description = "sdes, mikey (keys under a ticket of --kms), mikey-psk (under a key that the conference has too), or none to see that protection is required.",
            DefaultValueFactory = _ => "sdes",
        };
        srtp.AcceptOnlyFromAmong("sdes", "mikey", "mikey-psk", "none");
        var kms = new KmsOptions();
        var suite = new Option<string[]>("--suite") { Description = "A crypto-suite to offer; may be repeated, in order of preference." };
        suite.AcceptOnlyFromAmong([.. SrtpProfile.All.Select(p => p.Name)]);
        var mki = new Option<bool>("--mki") { Description = "Give our keys an MKI, and take several of the peer's; without it each new key replaces the one before." };
        var ignore = new Option<bool>("--ignore-new-keys") { Description = "Take new keys and install none: a phone that goes deaf, to try a server with." };
        var noUpdate = new Option<bool>("--no-update") { Description = "Take changes by re-INVITE only." };
        var codec = new Option<string[]>("--codec") { Description = "A codec to offer: opus, G722, PCMU or PCMA; may be repeated, in order of preference." };
        codec.AcceptOnlyFromAmong([.. CodecNames.Keys]);
        var tone = new Option<double?>("--tone") { Description = "Say a tone of so many Hz.", HelpName = "HZ" };
        var play = new Option<string?>("--play") { Description = "Say a WAV file (16-bit PCM, mono, 8 kHz), over and over.", HelpName = "FILE" };
        var record = new Option<string?>("--record") { Description = "Write what is heard to a WAV file.", HelpName = "FILE" };
        var duration = new Option<TimeSpan>("--for")
        {
            Description = "How long to talk: 10s, 500ms, 2m.",
            HelpName = "TIME",
            CustomParser = ReadTime,
            DefaultValueFactory = _ => TimeSpan.FromSeconds(10),
        };
        var drop = new Option<double>("--drop") { Description = "Lose this share of the media's packets each way, in percent.", HelpName = "PERCENT" };
        drop.Validators.Add(r =>
        {
            if (r.GetValueOrDefault<double>() is not (>= 0 and <= 100)) r.AddError("--drop is a percentage: 0 to 100.");
        });
        var delay = new Option<TimeSpan>("--delay") { Description = "Hold what is sent so long: 40ms.", HelpName = "TIME", CustomParser = ReadTime };
        var first = new Option<ushort?>("--first-sequence")
        {
            Description = "Begin the media at this sequence number: near 65535 the rollover counter, which no packet tells, is soon 1.",
            HelpName = "NUMBER",
        };
        var also = new Option<SipUri[]>("--also")
        {
            Description = "Another server of the conference, where the call goes on when the one that has it is gone; may be repeated.",
            HelpName = "HOST[:PORT]",
            CustomParser = ReadServers,
        };
        var probe = new Option<TimeSpan?>("--probe")
        {
            Description = "Look so often whether the server is there (OPTIONS), which keeps a NAT open; over UDP nothing else tells.",
            HelpName = "TIME",
            CustomParser = r => ReadTime(r),
        };
        var user = new Option<string?>("--user") { Description = "Authenticate with this name when asked.", HelpName = "NAME" };
        var password = PasswordInput.FileOption();
        var json = Output.JsonOption();
        var call = new Command("call", "Make a call with the built-in softphone.")
        {
            target, transport, trust, insecure, srtp, suite, mki, noUpdate, ignore, codec, tone, play, record, duration, drop, delay, first,
            also, probe, user, password, json,
        };
        kms.AddTo(call, srtp, user);
        call.SetAction((result, _) => kms.RunAsync(result, result.GetValue(srtp)!, result.GetValue(user), (phoneKms, preShared, secret) => RunAsync(
            new SoftPhoneOptions(
                result.GetValue(target)!, result.GetValue(transport) ?? Transport(result.GetValue(target)!),
                Suites(result.GetValue(srtp)!, result.GetValue(suite)), result.GetValue(mki))
            {
                TlsTrust = result.GetValue(trust),
                TakesUpdate = !result.GetValue(noUpdate),
                IgnoresNewKeys = result.GetValue(ignore),
                TlsInsecure = result.GetValue(insecure),
                Codecs = CodecsOf(result.GetValue(codec)),
                Tone = result.GetValue(tone),
                Play = result.GetValue(play),
                Record = result.GetValue(record),
                Duration = result.GetValue(duration),
                Drop = result.GetValue(drop) / 100,
                Delay = result.GetValue(delay),
                FirstSequence = result.GetValue(first),
                Also = [.. result.GetValue(also) ?? []],
                ProbeEvery = result.GetValue(probe),
                User = result.GetValue(user) ?? "phone",
                Kms = phoneKms,
                PreShared = preShared,
            },
            phoneKms is null && preShared is null ? result.GetValue(user) : null, result.GetValue(password), result.GetValue(json), secret)));
        return call;
    }

    internal static Task<int> RunAsync(SoftPhoneOptions options, bool json, KmsSecret? secret) => RunAsync(options, account: null, json, secret);

    private static async Task<int> RunAsync(SoftPhoneOptions options, string? user, string? passwordFile, bool json, KmsSecret? secret)
    {
        if (user is null) return await RunAsync(options, account: null, json, secret);
        using var password = PasswordInput.Read(passwordFile, out var problem);
        return password is null ? Output.Fail(problem) : await RunAsync(options, new DigestAccount("*", user, password), json, secret);
    }

    private static async Task<int> RunAsync(SoftPhoneOptions options, DigestAccount? account, bool json, KmsSecret? secret)
    {
        using var signals = new StopSignals();
        using var stop = new CancellationTokenSource();
        var phone = SoftPhone.RunAsync(options, TimeProvider.System, stop.Token, account, secret);
        if (await Task.WhenAny(phone, signals.Requested) != phone) await stop.CancelAsync();
        var report = await phone;
        if (!json && report.Status is (401 or 407))
        {
            return Output.Fail(account is null
                ? $"{report.Target} asks who is calling ({report.Status}); give --user and --password-file."
                : $"{report.Target} does not accept {account.UserName} with this password ({report.Status}).");
        }

        if (json) Output.WriteJson(report);
        else Output.Table(["Call", report.Target], Rows(report));
        return report.Succeeded ? ExitCode.Done : ExitCode.Failed;
    }

    private static IEnumerable<string[]> Rows(PhoneReport r)
    {
        if (r.Problem is not null) yield return ["Problem", r.Problem];
        yield return ["Answer", r.Status == 0 ? "none" : $"{Text(r.Status)} {r.Reason}"];
        if (r.Warning is not null) yield return ["Warning", r.Warning];
        yield return ["Ended by", r.EndedBy];
        yield return ["Set up, talked", $"{Text(r.SetupSeconds)} s, {Text(r.TalkSeconds)} s"];
        if (!r.Answered) yield break;
        yield return ["Media", $"{r.Codec}, {r.Suite}{(r.Mki ? " with MKI" : "")}"];
        if (r.Mki) yield return ["Keys", $"heard under {Text(r.MkisHeard)} MKIs; {Text(r.Undecryptable)} packets that no key opened"];
        yield return ["Packets", $"{Text(r.PacketsSent)} sent, {Text(r.PacketsReceived)} received, {Text(r.PacketsLost)} lost"];
        yield return ["RTCP", $"{Text(r.RtcpSent)} sent, {Text(r.RtcpReceived)} received"];
        yield return ["Dropped", $"{Text(r.AuthFailures)} not authentic, {Text(r.Replays)} replayed, {Text(r.UnknownMki)} unknown MKI, {Text(r.Malformed)} malformed"];
        var frames = $"{Text(r.Concealed)} frames concealed, {Text(r.LateOrDuplicate)} late";
        yield return ["Heard", $"{Text(r.Gaps)} gaps, the longest {Text(r.LongestGapMilliseconds)} ms; {frames}"];
        yield return ["Reported", $"{Text(r.ReportedLost)} lost there, round trip {(r.RoundTripMilliseconds is { } trip ? $"{Text(trip)} ms" : "unknown")}"];
        yield return ["Sources", r.Ssrcs.Count == 0 ? "none" : string.Join(", ", r.Ssrcs)];
        yield return ["Contributors", r.Contributors.Count == 0 ? "none" : string.Join(", ", r.Contributors)];
    }

    private static SipTransport Transport(SipUri target) => target.Parameters["transport"]?.ToUpperInvariant() switch
    {
        _ when target.IsSecure => SipTransport.Tls,
        "TLS" => SipTransport.Tls,
        "TCP" => SipTransport.Tcp,
        _ => SipTransport.Udp,
    };

    private static ImmutableArray<SrtpProfile> Suites(string srtp, string[]? names) =>
        srtp == "none" ? [] : names is { Length: > 0 } ? [.. names.Select(n => SrtpProfile.Find(n)!)] : SrtpProfile.Usual;

    private static ImmutableArray<AudioCodec> CodecsOf(string[]? names) =>
        names is { Length: > 0 } ? [.. names.Select(n => CodecNames[n])] : [AudioCodec.Pcmu, AudioCodec.Pcma];

    private static SipUri? ReadTarget(ArgumentResult argument)
    {
        var text = argument.Tokens[0].Value;
        if (SipReader.TryReadUri(text, out var uri) && uri!.IsSip) return uri;
        argument.AddError($"'{text}' is no SIP URI: sip:NAME@HOST[:PORT].");
        return null;
    }

    private static SipUri[]? ReadServers(ArgumentResult argument)
    {
        var servers = new List<SipUri>();
        foreach (var token in argument.Tokens)
        {
            if (SipReader.TryReadUri($"sip:{token.Value}", out var uri) && uri!.User is null) servers.Add(uri);
            else argument.AddError($"'{token.Value}' is no server: HOST[:PORT].");
        }

        return [.. servers];
    }

    internal static TimeSpan ReadTime(ArgumentResult argument)
    {
        var text = argument.Tokens[0].Value;
        var (digits, unit) = text switch
        {
            [.. var n, 'm', 's'] => (n, TimeSpan.FromMilliseconds(1)),
            [.. var n, 's'] => (n, TimeSpan.FromSeconds(1)),
            [.. var n, 'm'] => (n, TimeSpan.FromMinutes(1)),
            _ => ("", TimeSpan.Zero),
        };
        if (double.TryParse(digits, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number) && number is > 0 and < 1e7) return number * unit;
        argument.AddError($"'{text}' is no time: 10s, 500ms, 2m.");
        return default;
    }

    private static string Text(IFormattable value) => value.ToString(null, CultureInfo.InvariantCulture);
}
