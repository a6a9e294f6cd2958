using System.Text;
using System.Text.Json;
using Microsoft.Data.Sqlite;
using Xunit;

namespace ConfCluster.Cluster.Tests.Processes;

/// <summary>The audit by the verbs of the program, beside a node that runs and after it stopped; and no key anywhere.</summary>
[Collection("processes")]
public sealed class AuditTests : IDisposable
{
    private readonly TemporaryDirectory _data = new();
    private readonly TemporaryDirectory _elsewhere = new();

    public void Dispose()
    {
        SqliteConnection.ClearAllPools();
        _data.Dispose();
        _elsewhere.Dispose();
    }

    [Fact]
    public async Task What_happened_is_shown_signed_exported_and_verified_and_a_change_is_found()
    {
        var (bundle, key) = (Path.Combine(_elsewhere.Path, "bundle.json"), Path.Combine(_elsewhere.Path, "key.pem"));
        await using (var node = NodeProcess.Start(_data))
        {
            await node.UntilReadyAsync();
            using var caller = new TextCaller(node.SipPort, "proven");
            Assert.Equal("SIP/2.0 200 OK", await caller.InviteAsync());
            Assert.Contains("sip:text@127.0.0.1", await AuditAsync(0, "show", "Proven"), StringComparison.Ordinal);
            Assert.Contains("K1 to K7 hold", await AuditAsync(0, "verify"), StringComparison.Ordinal);
            using var api = JsonDocument.Parse(await node.Http.GetStringAsync(new Uri("/api/v1/audit/proven", UriKind.Relative)));
            Assert.NotEqual(0, api.RootElement.GetProperty("records").GetArrayLength());
            Assert.Equal(0, api.RootElement.GetProperty("violations").GetArrayLength());
            Assert.Equal(0, await node.StopAsync());
        }

        Assert.Contains("all signed", await AuditAsync(0, "verify", "proven"), StringComparison.Ordinal);
        Assert.Contains("no group key was ever in use", await AuditAsync(0, "exposure", "--conference", "proven"), StringComparison.Ordinal);
        await File.WriteAllTextAsync(key, await AuditAsync(0, "key"));
        await AuditAsync(0, "export", "proven", "--out", bundle);
        string[] elsewhere = ["audit", "verify", "--set", $"confcluster.data-dir={_elsewhere.Path}", "--bundle", bundle, "--key", key];
        var (exit, output) = await NodeProcess.RunAsync(elsewhere);
        Assert.True(exit == 0, output);

        var text = await File.ReadAllTextAsync(bundle);
        await File.WriteAllTextAsync(bundle, text.Replace("sip:text@", "sip:test@", StringComparison.Ordinal));
        (exit, output) = await NodeProcess.RunAsync(elsewhere);
        Assert.True(exit == 1 && output.Contains("Chain", StringComparison.Ordinal), output);

        Execute("DELETE FROM journal WHERE manifest = 'c.left.1'");
        output = await AuditAsync(1, "verify");
        Assert.Contains("is missing", output, StringComparison.Ordinal);
        Execute("DELETE FROM journal");
        Assert.Contains("cut off", await AuditAsync(1, "verify"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task No_key_of_a_call_is_found_in_any_file_log_metric_or_answer()
    {
        var search = new KeySearch();
        await using var node = NodeProcess.Start(_data);
        await node.UntilReadyAsync();
        using var first = new TextCaller(node.SipPort, "secret");
        using var second = new TextCaller(node.SipPort, "secret");
        foreach (var caller in (TextCaller[])[first, second])
        {
            Assert.Equal("SIP/2.0 200 OK", await caller.InviteAsync());
            search.Add(Convert.FromBase64String(caller.Key));
            search.AddFrom(caller.Answer);
        }

        Assert.Equal(4, search.Keys);
        using var thief = new TextCaller(node.SipPort, "secret") { Key = first.Key };
        Assert.Equal("SIP/2.0 488 Keying Not Acceptable Here", await thief.InviteAsync());
        await AuditAsync(0, "export", "secret", "--out", Path.Combine(_data.Path, "bundle.json"));
        Assert.Empty(search.InFilesOf(_data.Path));
        foreach (var path in (string[])["/metrics", "/api/v1/conferences", "/api/v1/conferences/secret", "/api/v1/conferences/secret/events", "/api/v1/audit/secret"])
            Assert.Empty(search.In(path, Encoding.UTF8.GetBytes(await node.Http.GetStringAsync(new Uri(path, UriKind.Relative)))));
        await node.StopAsync();
        Assert.Empty(search.In("the log", Encoding.UTF8.GetBytes(node.Log)));
        Assert.Empty(search.InFilesOf(_data.Path));

        // The search itself finds what is there.
        await File.WriteAllTextAsync(Path.Combine(_data.Path, "planted"), first.Answer);
        Assert.NotEmpty(search.InFilesOf(_data.Path));
    }

    private void Execute(string sql)
    {
        using var connection = new SqliteConnection($"Data Source={Path.Combine(_data.Path, "journal.db")};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        Assert.NotEqual(0, command.ExecuteNonQuery());
    }

    private async Task<string> AuditAsync(int exitCode, params string[] arguments)
    {
        var (code, output) = await NodeProcess.RunAsync(["audit", .. arguments, "--set", $"confcluster.data-dir={_data.Path}"]);
        Assert.True(code == exitCode, $"{string.Join(' ', arguments)}: {code}\n{output}");
        return output;
    }
}
