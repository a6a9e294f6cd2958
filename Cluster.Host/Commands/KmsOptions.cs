using System.CommandLine;
using ConfCluster.Actors.Keys;
using ConfCluster.Actors.Phone;
using ConfCluster.Protocols.Sip.Parsing;
using ConfCluster.Protocols.Wire;

namespace ConfCluster.Host.Commands;

/// <summary>The phone's KMS: <c>--kms URL --user URI --psk-file FILE [--kms-identity URI]</c>, with <c>--srtp mikey</c>.</summary>
internal sealed class KmsOptions
{
    private readonly Option<string?> _url = new("--kms") { Description = "The KMS that gives the ticket, with --srtp mikey.", HelpName = "URL" };

    private readonly Option<string?> _psk = new("--psk-file") { Description = "The key that the phone shares with the KMS, in hexadecimal.", HelpName = "FILE" };

    private readonly Option<string> _identity = new("--kms-identity")
    {
        Description = "Whom the phone knows the KMS as.",
        HelpName = "URI",
        DefaultValueFactory = _ => "sip:kms@localhost",
    };

    public void AddTo(Command command, Option<string> srtp, Option<string?> user)
    {
        command.Options.Add(_url);
        command.Options.Add(_psk);
        command.Options.Add(_identity);
        command.Validators.Add(result =>
        {
            var (url, psk, name) = (result.GetValue(_url), result.GetValue(_psk), result.GetValue(user));
            if (result.GetValue(srtp) != "mikey")
            {
                if (url is not null || psk is not null) result.AddError("--kms and --psk-file go with --srtp mikey.");
                return;
            }

            if (!Uri.TryCreate(url, UriKind.Absolute, out var parsed) || parsed.Scheme is not ("http" or "https")) result.AddError("--srtp mikey needs --kms URL.");
            if (psk is null) result.AddError("--srtp mikey needs --psk-file FILE.");
            if (name is null || !SipReader.TryReadUri(name, out var uri) || !uri!.IsSip) result.AddError("--srtp mikey needs --user sip:NAME@HOST, whom the KMS knows.");
        });
    }

    public async Task<int> RunAsync(ParseResult result, bool isMikey, string? user, Func<PhoneKmsOptions?, SecretBytes?, Task<int>> call)
    {
        if (!isMikey) return await call(null, null);
        using var psk = SecretFile.Read(result.GetValue(_psk)!, 0, out var problem);
        if (psk is null) return Output.Fail(problem);
        SipReader.TryReadUri(user!, out var identity);
        return await call(new PhoneKmsOptions(new Uri(result.GetValue(_url)!), identity!, result.GetValue(_identity)!), psk);
    }
}
