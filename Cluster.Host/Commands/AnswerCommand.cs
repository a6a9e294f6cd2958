using System.CommandLine;
using System.CommandLine.Parsing;
using System.Net;
using ConfCluster.Actors.Phone;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Srtp;

namespace ConfCluster.Host.Commands;

/// <summary><c>answer</c>: the softphone waits for one call, answers it, and says how it was.</summary>
internal static class AnswerCommand
{
    private const int SipPort = 5060;

    public static Command Create()
    {
        var at = new Option<IPEndPoint>("--at")
        {
            Description = "Address and UDP port to be called at.",
            HelpName = "ADDRESS:PORT",
            CustomParser = ReadEndPoint,
            DefaultValueFactory = _ => new IPEndPoint(IPAddress.Loopback, 5080),
        };
        var tone = new Option<double?>("--tone") { Description = "Say a tone of so many Hz.", HelpName = "HZ" };
        var record = new Option<string?>("--record") { Description = "Write what is heard to a WAV file.", HelpName = "FILE" };
        var mki = new Option<bool>("--mki") { Description = "Give our keys an MKI, where the caller's have one." };
        var noUpdate = new Option<bool>("--no-update") { Description = "Take changes by re-INVITE only." };
        var srtp = new Option<string>("--srtp")
        {
            Description = "sdes, mikey (whoever calls has a ticket for --user), or mikey-psk (whoever calls has the key of --psk-file).",
            DefaultValueFactory = _ => "sdes",
        };
        srtp.AcceptOnlyFromAmong("sdes", "mikey", "mikey-psk");
        var user = new Option<string?>("--user") { Description = "Whom the KMS, or the caller, knows the phone as, with --srtp mikey or mikey-psk.", HelpName = "URI" };
        var kms = new KmsOptions();
        var (talk, wait) = (Time("--for", "How long to talk: 10s, 500ms, 2m.", 10), Time("--wait", "How long to wait for the call.", 60));
        var json = Output.JsonOption();
        var answer = new Command("answer", "Wait for one call with the built-in softphone and answer it.")
        {
            at, tone, record, mki, noUpdate, srtp, user, talk, wait, json,
        };
        kms.AddTo(answer, srtp, user);
        answer.SetAction((result, _) => kms.RunAsync(result, result.GetValue(srtp)!, result.GetValue(user), (phoneKms, preShared, secret) =>
            CallCommand.RunAsync(Options(result) with { Kms = phoneKms, PreShared = preShared }, result.GetValue(json), secret)));
        return answer;

        SoftPhoneOptions Options(ParseResult result)
        {
            var here = result.GetValue(at)!;
            return new SoftPhoneOptions(SipUri.Sip("phone", here.Address.ToString()), SipTransport.Udp, SrtpProfile.Usual, result.GetValue(mki))
            {
                Listen = here,
                TakesUpdate = !result.GetValue(noUpdate),
                Tone = result.GetValue(tone),
                Record = result.GetValue(record),
                Duration = result.GetValue(talk),
                AnswerTimeout = result.GetValue(wait),
            };
        }
    }

    private static Option<TimeSpan> Time(string name, string description, int seconds) => new(name)
    {
        Description = description,
        HelpName = "TIME",
        CustomParser = CallCommand.ReadTime,
        DefaultValueFactory = _ => TimeSpan.FromSeconds(seconds),
    };

    private static IPEndPoint? ReadEndPoint(ArgumentResult argument)
    {
        var text = argument.Tokens[0].Value;
        if (IPEndPoint.TryParse(text, out var read)) return read.Port == 0 ? new IPEndPoint(read.Address, SipPort) : read;
        argument.AddError($"'{text}' is no address: 127.0.0.1:5080.");
        return null;
    }
}
