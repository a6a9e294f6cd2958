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

    private string File(string name, string text)
    {
        var path = Path.Combine(_data.Path, name);
        System.IO.File.WriteAllText(path, $"{text}\n");
        return path;
    }
}
