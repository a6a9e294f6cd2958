using Xunit;

namespace ConfCluster.Interop.Tests;

/// <summary>
/// Who is calling, asked of programs that others wrote: SIPp and baresip answer digest challenges (RFC 3261 §22, RFC 8760), Kamailio proves
/// its caller and asserts the identity (RFC 3325).
/// </summary>
public sealed class AuthenticationTests(AskingNode node) : IClassFixture<AskingNode>
{
    [SkippableTheory]
    [InlineData("digest.xml")]
    [InlineData("digest-wrong.xml")]
    [InlineData("asserted-by-itself.xml")]
    public async Task SIPp_is_asked_who_it_is(string scenario)
    {
        var conference = Path.GetFileNameWithoutExtension(scenario);
        // It would leave the user out of the digest's URI, which the node refuses: credentials for one conference are none for another.
        await Sipp.RunAsync(node, scenario, conference, 1, "-auth_uri", $"{conference}@127.0.0.1:{node.SipPort}");
        await node.UntilParticipants(conference, 0);
    }

    [SkippableFact]
    public async Task A_baresip_with_an_account_is_let_in_by_its_name()
    {
        var directory = Directory.CreateTempSubdirectory("confcluster-account-").FullName;
        try
        {
            using var phone = Baresip.Start(directory, "alice", NodeUnderTest.FreePort(), NodeUnderTest.FreePort(), 31800, 440, account: ("alice", "wonderland"));
            await phone.CommandAsync("dial", $"sip:account@127.0.0.1:{node.SipPort}");
            await node.UntilParticipants("account", 1);
            var shown = await node.ConferenceAsync("show", "account", "--json");
            Assert.Contains("\"proof\": \"digest\"", shown, StringComparison.Ordinal);
            Assert.Contains("alice", shown, StringComparison.Ordinal);
            await node.EndAsync("account");
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    [SkippableFact]
    public async Task A_baresip_with_a_wrong_password_stays_outside()
    {
        var directory = Directory.CreateTempSubdirectory("confcluster-account-").FullName;
        try
        {
            using var phone = Baresip.Start(directory, "mallory", NodeUnderTest.FreePort(), NodeUnderTest.FreePort(), 31840, 440, account: ("alice", "looking-glass"));
            await phone.CommandAsync("dial", $"sip:outside@127.0.0.1:{node.SipPort}");
            await node.Until(() => Task.FromResult(phone.Output.Contains("session closed", StringComparison.OrdinalIgnoreCase)), "baresip to give up");
            Assert.Equal(0, await node.ParticipantsAsync("outside"));
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    /// <summary>The proxy at 127.0.0.2 is trusted; it challenges, removes what the caller asserts of itself, and asserts what it knows.</summary>
    [SkippableFact]
    public async Task Whom_a_trusted_proxy_asserts_is_let_in_with_that_proof()
    {
        using var kamailio = await Kamailio.StartAsync(node, "udp", "WITH_DIGEST", "WITH_ASSERTION");
        using var sipp = Sipp.StartThrough(kamailio.Target, node, "proxy-digest.xml", "asserted", "-auth_uri", $"asserted@{kamailio.Target}");
        await sipp.JoinedAsync("asserted");
        var shown = await node.ConferenceAsync("show", "asserted", "--json");
        Assert.Contains("\"proof\": \"asserted\"", shown, StringComparison.Ordinal);
        Assert.Contains("sip:alice@carrier.example", shown, StringComparison.Ordinal);
        Assert.Contains("\"private\": true", shown, StringComparison.Ordinal);
        Assert.DoesNotContain("mallory", shown, StringComparison.Ordinal);
        await node.EndAsync("asserted");
        await sipp.EndsWellAsync();
    }
}

/// <summary>Everybody must prove who it is; baresip gets MD5 alone, since it fails on a SHA-256 challenge even beside an MD5 one.</summary>
public sealed class AskingNode : NodeUnderTest
{
    protected override IEnumerable<string> Settings =>
    [
        "auth.required=on", "auth.realm=carrier.example", $"auth.trusted-peers=[\"{Kamailio.Address}\"]",
        "auth.user-agents=[\"baresip = MD5\", \"SIPp = MD5\"]",
    ];

    protected override async Task PrepareAsync()
    {
        var password = Path.Combine(DataDirectory, "password");
        await File.WriteAllTextAsync(password, "wonderland\n");
        using var added = await ChildProcess.RunAsync(
            "dotnet",
            [
                HostAssembly, "user", "add", "alice", "--realm", "carrier.example", "--password-file", password,
                "--set", $"confcluster.data-dir={DataDirectory}",
            ], TimeSpan.FromSeconds(60));
        Assert.True(added.ExitCode == 0, added.Output);
    }
}
