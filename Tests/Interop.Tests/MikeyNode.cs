using System.Text.Json;
using Xunit;

namespace ConfCluster.Interop.Tests;

/// <summary>A node that is KMS and focus in one, with three users beside the focus.</summary>
public class MikeyNode : NodeUnderTest
{
    private static readonly string[] Users = ["sip:alice@example.com", "sip:bob@example.com", "sip:carol@example.com"];

    protected override IEnumerable<string> Settings =>
    [
        "kms.enabled=on", $"kms-user.url=http://127.0.0.1:{HttpPort}/mikey", $"kms-user.psk-file={KeyFile("sip:focus@localhost")}", "conference.keys.rekey.min-interval=1s",
    ];

    /// <summary>The options of a softphone that has a ticket.</summary>
    public string[] KeysOf(string user) => ["--srtp", "mikey", "--kms", $"http://127.0.0.1:{HttpPort}/mikey", "--user", user, "--psk-file", KeyFile(user)];

    /// <summary>Everybody who shares the key is under the newest, and none waits.</summary>
    public Task UntilSettledAsync(string conference) => Until(
        async () =>
        {
            var shown = await ShowAsync(conference);
            if (shown.GetProperty("rekeyDeferred").GetBoolean()) return false;
            var newest = shown.GetProperty("epochs").EnumerateArray().Max(e => e.GetProperty("epoch").GetInt32());
            return shown.GetProperty("participants").EnumerateArray().Select(p => p.GetProperty("key")).Where(k => k.GetProperty("keying").GetString() != "own")
                .All(k => k.GetProperty("epoch") is { ValueKind: JsonValueKind.Number } epoch && epoch.GetInt32() == newest);
        },
        "everybody to be under the newest key");

    protected override async Task PrepareAsync()
    {
        await AddAsync("sip:focus@localhost", "--answers", "sip:*@127.0.0.1");
        foreach (var user in Users) await AddAsync(user);
    }

    private async Task AddAsync(string user, params string[] more)
    {
        using var added = await ChildProcess.RunAsync(
            "dotnet", [HostAssembly, "kms", "user", "add", user, "--psk-file", KeyFile(user), "--set", $"confcluster.data-dir={DataDirectory}", .. more],
            TimeSpan.FromSeconds(60));
        Assert.True(added.ExitCode == 0, added.Output);
    }

    private string KeyFile(string user) => Path.Combine(DataDirectory, $"{user["sip:".Length..user.IndexOf('@', StringComparison.Ordinal)]}.psk");
}
