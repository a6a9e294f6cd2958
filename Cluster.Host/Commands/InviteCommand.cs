using System.CommandLine;
using System.Net.Http.Json;
using ConfCluster.Host.Api;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Sip.Parsing;

namespace ConfCluster.Host.Commands;

/// <summary><c>conference invite NAME URI [--wait]</c>: let a conference call somebody.</summary>
internal static class InviteCommand
{
    private static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(200);

    public static Command Create(Option<Uri> url, Option<bool> json)
    {
        var name = new Argument<string>("NAME") { Description = "The conference: the user part of its URI." };
        var uri = new Argument<string>("URI") { Description = "Whom to call, for example sip:alice@127.0.0.1:5080." };
        uri.Validators.Add(result =>
        {
            var text = result.GetValueOrDefault<string>();
            if (!SipReader.TryReadUri(text, out var read) || !read!.IsSip) result.AddError($"'{text}' is no SIP URI; one looks like sip:user@host.");
        });
        var wait = new Option<bool>("--wait") { Description = "Wait until it has joined or failed." };
        var invite = new Command("invite", "Call somebody into a conference that is on.") { name, uri, wait };
        invite.SetAction((result, stop) => ConferenceCommands.WithApi(
            result.GetValue(url)!,
            api => InviteAsync(api, result.GetValue(name)!, result.GetValue(uri)!, result.GetValue(wait), result.GetValue(json), stop)));
        return invite;
    }

    private static async Task<int> InviteAsync(HttpClient api, string name, string uri, bool wait, bool json, CancellationToken stop)
    {
        var path = $"api/v1/conferences/{Uri.EscapeDataString(name)}";
        using var answer = await api.PostAsJsonAsync(new Uri($"{path}/invite", UriKind.Relative), new InvitationRequest(uri), Output.Json, stop);
        var invitation = await ConferenceCommands.ReadAsync<InvitationDetails>(answer, stop);
        while (wait && invitation is { State: CalloutState.Inviting or CalloutState.Ringing })
        {
            await Task.Delay(LookInterval, stop);
            using var now = await api.GetAsync(new Uri($"{path}/invitations/{invitation.Id}", UriKind.Relative), stop);
            invitation = await ConferenceCommands.ReadAsync<InvitationDetails>(now, stop);
        }

        if (invitation is null) return ExitCode.Failed;
        if (json) Output.WriteJson(invitation);
        if (invitation.State == CalloutState.Failed)
            return json ? ExitCode.Failed : Output.Fail($"{uri} did not join {name}: {invitation.Status} {invitation.Reason}.");
        if (!json) Console.Out.WriteLine(wait ? $"{uri} has joined {name}." : $"{uri} is being called into {name}; 'conference show {name}' tells how it goes.");
        return ExitCode.Done;
    }
}
