using System.Text.Json;
using Xunit;

namespace ConfCluster.Cluster.Tests.Processes;

/// <summary>A node that asks who is calling, its users, and a phone of the same program.</summary>
[Collection("processes")]
public sealed class UserCallsTests : IDisposable
{
    private readonly TemporaryDirectory _data = new();

    public void Dispose() => _data.Dispose();

    [Fact]
    public async Task Who_was_added_gets_in_and_a_wrong_password_is_one_sentence()
    {
        var (right, wrong) = (File("right", "open sesame"), File("wrong", "guess"));
        await using var node = NodeProcess.Start(_data, "--set", "confcluster.auth.required=on", "--set", "confcluster.conference.min-identity=digest");
        await node.UntilReadyAsync();
        var (code, said) = await NodeProcess.RunAsync(
            "user", "add", "alice", "--password-file", right, "--set", $"confcluster.data-dir={_data.Path}");
        Assert.True(code == 0, said);
        if (!OperatingSystem.IsWindows())
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, System.IO.File.GetUnixFileMode(Path.Combine(_data.Path, "users")));

        var target = $"sip:100@127.0.0.1:{node.SipPort}";
        (code, said) = await NodeProcess.RunAsync("call", target, "--user", "alice", "--password-file", wrong, "--for", "1s");
        Assert.Equal(1, code);
        Assert.Equal($"{target} does not accept alice with this password (401).", said.Trim());

        (code, said) = await NodeProcess.RunAsync("call", target, "--user", "alice", "--password-file", right, "--for", "1s", "--json");
        Assert.True(code == 0, $"{said}\n{node.Log}");
        Assert.Contains("\"endedBy\": \"us\"", said, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Users_of_the_file_and_of_the_settings_are_listed_let_in_and_removed_where_they_are()
    {
        var password = File("password", "open sesame");
        Assert.Equal(0, (await UserAsync("add", "alice", "--password-file", password)).Code);
        var users = Path.Combine(_data.Path, "users");
        var line = (await System.IO.File.ReadAllLinesAsync(users)).Single(l => l.Contains(":SHA-256:", StringComparison.Ordinal));
        Assert.Equal(0, (await UserAsync("remove", "alice")).Code);
        Assert.Equal((1, "There is no alice in realm confcluster."), await UserAsync("remove", "alice"));
        Assert.Equal(0, (await UserAsync("add", "bob", "--password-file", password)).Code);

        var configured = $"confcluster.auth.users=[\"{line}\"]";
        var (code, said) = await UserAsync("list", "--json", "--set", configured);
        Assert.True(code == 0, said);
        Assert.Equal(
            [("alice", "settings"), ("bob", "file")],
            JsonDocument.Parse(said).RootElement.EnumerateArray().Select(u => (u.GetProperty("name").GetString()!, u.GetProperty("from").GetString()!)));
        Assert.Equal((1, "alice is in the settings (auth.users): remove it there."), await UserAsync("remove", "alice", "--set", configured));
        (code, said) = await NodeProcess.RunAsync("config", "check", "--set", configured);
        Assert.True(code == 0 && said.Contains("1 users", StringComparison.Ordinal), said);
        Assert.DoesNotContain(line.Split(':')[3], said, StringComparison.Ordinal);

        await using var node = NodeProcess.Start(_data, "--set", "confcluster.auth.required=on", "--set", configured);
        await node.UntilReadyAsync();
        foreach (var user in new[] { "alice", "bob" })
        {
            (code, said) = await NodeProcess.RunAsync(
                "call", $"sip:100@127.0.0.1:{node.SipPort}", "--user", user, "--password-file", password, "--for", "1s", "--json");
            Assert.True(code == 0, $"{user}: {said}\n{node.Log}");
        }
    }

    private async Task<(int Code, string Said)> UserAsync(string verb, params string[] arguments)
    {
        var (code, said) = await NodeProcess.RunAsync(["user", verb, .. arguments, "--set", $"confcluster.data-dir={_data.Path}"]);
        return (code, said.Trim());
    }

    private string File(string name, string text)
    {
        var path = Path.Combine(_data.Path, name);
        System.IO.File.WriteAllText(path, $"{text}\n");
        return path;
    }
}
