using Akka.Configuration;
using ConfCluster.Actors.Settings;
using ConfCluster.Protocols.Srtp;
using Xunit;

namespace ConfCluster.Actors.Tests.Settings;

public class SettingsReaderTests
{
    [Fact]
    public void Every_key_has_a_reader_and_every_reader_a_key()
    {
        var reference = SettingsReader.Reference();
        Assert.Equal(SettingsReader.Keys(reference).Order(), SettingsReader.Read(reference).KeysRead.Order());
    }

    [Fact]
    public void The_defaults_listen_on_loopback_and_ask_for_keys()
    {
        var settings = Read("").Settings!;
        Assert.Equal("127.0.0.1:5060", settings.Sip.Udp!.ToString());
        Assert.Equal("127.0.0.1:5060", settings.Sip.Tcp!.ToString());
        Assert.Equal("127.0.0.1:8080", settings.Http.Listen.ToString());
        Assert.Equal((40000, 49999), (settings.Media.PortMin, settings.Media.PortMax));
        Assert.True(settings.Conference.RequireProtection);
        Assert.Equal<SrtpProfile>(SrtpProfile.Usual, settings.Conference.Suites);
        Assert.False(settings.AllowUnauthenticated);
    }

    [Theory]
    [InlineData("confcluster.sip.udp.port = 70000", "confcluster.sip.udp.port = 70000: a whole number from 0 to 65535")]
    [InlineData("confcluster.sip.udp.prot = 5070", "there is no such key; did you mean confcluster.sip.udp.port?")]
    [InlineData("confcluster.something-else = 1", "there is no such key; reference.conf lists every key")]
    [InlineData("confcluster.shutdown-timeout = 10", "a duration such as")]
    [InlineData("confcluster.media.address = localhost", "an IPv4 or IPv6 address")]
    [InlineData("confcluster.conference.suites = [NULL]", "confcluster.conference.suites = NULL: allowed: AES_CM_128_HMAC_SHA1_80")]
    [InlineData("confcluster.conference.protection = off", "allowed: required")]
    [InlineData("confcluster.sip.tcp.enabled = maybe", "allowed: on, off")]
    [InlineData("confcluster.conference.mixer-suspect-after = 600ms", "three times media.heartbeat-interval")]
    [InlineData("confcluster.sip.udp.address = 192.0.2.1", "set confcluster.allow-unauthenticated = on")]
    [InlineData("confcluster.kms-user { url = \"http://192.0.2.1/mikey\", psk-file = x }", "https, or http to this machine; to ask in the clear, set confcluster.kms-user.allow-http = on")]
    [InlineData("confcluster.kms.https.key = x", "needed when kms.https.key is set")]
    [InlineData("confcluster.kms-user.other-urls = [\"http://127.0.0.1/mikey\"]", "none without kms-user.url")]
    [InlineData("confcluster.kms-user { url = \"http://127.0.0.1/mikey\", psk-file = x, other-urls = [\"ftp://a\"] }", "an http or https URL, or empty")]
    [InlineData("confcluster.kms-user { url = \"http://127.0.0.1/mikey\", psk-file = x, other-urls = [\"http://192.0.2.1/mikey\"] }", "kms-user.allow-http = on")]
    [InlineData("confcluster.conference.keys.source = kms", "confcluster.conference.keys.source = kms: kms-user.url must be set")]
    [InlineData("confcluster.blueprints.board { key-source = kms }", "confcluster.blueprints.board.key-source = kms: kms-user.url must be set")]
    [InlineData("confcluster.conference.keys.without-kms = wait", "allowed: own-key, focus")]
    [InlineData("confcluster.pre-shared.offers = always", "allowed: never, beside, only")]
    [InlineData("confcluster.pre-shared.identity = \"two words\"", "confcluster.pre-shared.identity")]
    [InlineData("confcluster.http.address = 0.0.0.0", "set confcluster.allow-unauthenticated = on")]
    public void A_wrong_setting_is_refused_with_its_path_its_value_and_what_is_allowed(string text, string sentence)
    {
        var result = Read(text);
        Assert.Null(result.Settings);
        Assert.Contains(sentence, string.Join("\n", result.Problems), StringComparison.Ordinal);
    }

    [Fact]
    public void Users_in_the_settings_are_read_and_a_bad_entry_is_named_by_its_place()
    {
        var hash = new string('a', 32);
        using var users = Read($"confcluster.auth.users = [\"alice:r:MD5:{hash}\", \"bob:r:MD5:{hash}\"]").Settings!.Auth.Users;
        Assert.Equal(["alice", "bob"], users.Users.Select(u => u.Name));
        var problem = Assert.Single(Read($"confcluster.auth.users = [\"alice:r:MD5:{hash}\", \"bob:{hash}\"]").Problems).ToString();
        Assert.Contains("auth.users = entry 2: lines of a user file", problem, StringComparison.Ordinal);
        Assert.DoesNotContain(hash, problem, StringComparison.Ordinal);
    }

    [Fact]
    public void All_problems_are_told_at_once() =>
        Assert.Equal(2, Read("confcluster.sip.udp.port = x\nconfcluster.http.port = y").Problems.Length);

    [Fact]
    public void Other_addresses_are_taken_when_asked_for_by_name()
    {
        var settings = Read("confcluster { allow-unauthenticated = on\n sip.udp.address = 192.0.2.1\n }").Settings;
        Assert.Equal("192.0.2.1:5060", settings!.Sip.Udp!.ToString());
    }

    [Fact]
    public void A_listener_that_is_off_is_not_there() => Assert.Null(Read("confcluster.sip.tcp.enabled = off").Settings!.Sip.Tcp);

    [Fact]
    public void An_assignment_wins_over_the_file()
    {
        var file = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid():N}.conf");
        File.WriteAllText(file, "confcluster.sip.udp.port = 5071\nconfcluster.http.port = 8081\n");
        var config = SettingsSource.Load(file, ["confcluster.sip.udp.port=5072", "confcluster.conference.codecs=[PCMA]"], out var problems);
        File.Delete(file);
        Assert.Empty(problems);
        var settings = SettingsReader.Read(config!).Settings!;
        Assert.Equal((5072, 8081), (settings.Sip.Udp!.Port, settings.Http.Listen.Port));
        Assert.Single(settings.Conference.Codecs);
    }

    [Theory]
    [InlineData("sip.udp.port=5070", "did you mean confcluster.sip.udp.port")]
    [InlineData("confcluster.sip.udp.port", "path=value")]
    [InlineData("confcluster.sip udp=1", "path=value")]
    [InlineData("confcluster.conference.codecs=[PCMA", "[ is never closed")]
    public void A_wrong_assignment_is_refused(string assignment, string sentence)
    {
        Assert.Null(SettingsSource.Load(null, [assignment], out var problems));
        Assert.Contains(sentence, string.Join("\n", problems), StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_is_not_there_is_said_by_name()
    {
        Assert.Null(SettingsSource.Load("/nowhere/x.conf", [], out var problems));
        Assert.Contains("/nowhere/x.conf", problems[0].ToString(), StringComparison.Ordinal);
    }

    private static SettingsResult Read(string text) =>
        SettingsReader.Read(text.Length == 0 ? SettingsReader.Reference() : ConfigurationFactory.ParseString(text).WithFallback(SettingsReader.Reference()));
}
