using System.CommandLine;
using ConfCluster.Actors.Keys;
using ConfCluster.Actors.Phone;
using ConfCluster.Actors.Settings;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Parsing;

namespace ConfCluster.Host.Commands;

/// <summary>
/// The phone's KMS: <c>--kms URL [--kms-trust FILE] --user URI --psk-file FILE [--kms-identity URI]</c>, or a certificate in place of the key, with
/// <c>--srtp mikey</c>; the key alone with <c>--srtp mikey-psk</c>.
/// </summary>
internal sealed class KmsOptions
{
    private const string PreShared = "mikey-psk";

    private readonly Option<string[]> _url = new("--kms")
    {
        Description = "The KMS that gives the ticket, with --srtp mikey; may be repeated: the next one is asked where one does not answer.",
        HelpName = "URL",
    };

    private readonly Option<string?> _trust = new("--kms-trust")
    {
        Description = "The roots that the certificate of an https KMS must lead to, PEM; without it those of the system.",
        HelpName = "FILE",
    };

    private readonly Option<bool> _plain = new("--kms-plain") { Description = "Ask a KMS on another machine over http all the same." };

    private readonly Option<string?> _psk = new("--psk-file")
    {
        Description = "The key that the phone shares with the KMS, or with --srtp mikey-psk with the other side, in hexadecimal.",
        HelpName = "FILE",
    };

    private readonly Option<string?> _certificate = new("--certificate")
    {
        Description = "In place of --psk-file: the phone's RSA certificate with its chain, PEM.",
        HelpName = "FILE",
    };

    private readonly Option<string?> _key = new("--certificate-key") { Description = "The key of --certificate, PEM.", HelpName = "FILE" };

    private readonly Option<string?> _kms = new("--kms-certificate") { Description = "The certificate of the KMS, PEM.", HelpName = "FILE" };

    private readonly Option<string> _identity = new("--kms-identity")
    {
        Description = "Whom the phone knows the KMS as.",
        HelpName = "URI",
        DefaultValueFactory = _ => "sip:kms@localhost",
    };

    public void AddTo(Command command, Option<string> srtp, Option<string?> user)
    {
        command.Options.Add(_url);
        command.Options.Add(_trust);
        command.Options.Add(_plain);
        command.Options.Add(_psk);
        command.Options.Add(_certificate);
        command.Options.Add(_key);
        command.Options.Add(_kms);
        command.Options.Add(_identity);
        command.Validators.Add(result =>
        {
            var (urls, psk, name) = (result.GetValue(_url) ?? [], result.GetValue(_psk), result.GetValue(user));
            if (result.GetValue(srtp) == PreShared)
            {
                if (urls.Length > 0 || psk is null) result.AddError("--srtp mikey-psk needs --psk-file FILE, and no --kms.");
                if (!IsName(name)) result.AddError("--srtp mikey-psk needs --user sip:NAME@HOST, whom the other side knows.");
                return;
            }

            if (result.GetValue(srtp) != "mikey")
            {
                if (urls.Length > 0 || psk is not null) result.AddError("--kms and --psk-file go with --srtp mikey.");
                return;
            }

            var parsed = urls.Select(u => Uri.TryCreate(u, UriKind.Absolute, out var one) && one.Scheme is "http" or "https" ? one : null).ToList();
            if (parsed.Count == 0 || parsed.Contains(null)) result.AddError("--srtp mikey needs --kms URL.");
            else if (!result.GetValue(_plain) && !parsed.TrueForAll(u => KmsUrl.IsProtected(u!)))
                result.AddError("--kms is https, or http on this machine; --kms-plain asks in the clear.");
            var files = new[] { result.GetValue(_certificate), result.GetValue(_key), result.GetValue(_kms) };
            if (files.Any(f => f is not null) && (files.Any(f => f is null) || psk is not null))
                result.AddError("--certificate, --certificate-key and --kms-certificate go together, and not with --psk-file.");
            else if (psk is null && files[0] is null) result.AddError("--srtp mikey needs --psk-file FILE, or --certificate FILE.");
            if (!IsName(name)) result.AddError("--srtp mikey needs --user sip:NAME@HOST, whom the KMS knows.");
        });
    }

    public async Task<int> RunAsync(ParseResult result, string srtp, string? user, Func<PhoneKmsOptions?, SipUri?, KmsSecret?, Task<int>> call)
    {
        if (srtp is not ("mikey" or PreShared)) return await call(null, null, null);
        (string, string, string)? rsa = result.GetValue(_certificate) is { } own ? (own, result.GetValue(_key)!, result.GetValue(_kms)!) : null;
        using var secret = KmsSecret.Read(result.GetValue(_psk) ?? "", rsa, out var problem);
        if (secret is null) return Output.Fail(problem);
        SipReader.TryReadUri(user!, out var identity);
        if (srtp == PreShared) return await call(null, identity, secret);
        if (KmsTrust.Read(result.GetValue(_trust), out problem) is not { } trust) return Output.Fail(problem);
        var urls = result.GetValue(_url)!.Select(u => new Uri(u));
        return await call(new PhoneKmsOptions(urls.First(), identity!, result.GetValue(_identity)!) { Others = [.. urls.Skip(1)], Trust = trust }, null, secret);
    }

    private static bool IsName(string? name) => name is not null && SipReader.TryReadUri(name, out var uri) && uri!.IsSip;
}
