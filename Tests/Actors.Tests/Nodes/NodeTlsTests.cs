using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using ConfCluster.Actors.Keys;
using ConfCluster.Actors.Nodes;
using ConfCluster.Actors.Nodes.Links;
using ConfCluster.Actors.Settings;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace ConfCluster.Actors.Tests.Nodes;

public sealed class NodeTlsTests : IDisposable
{
    private static readonly TimeSpan Reload = TimeSpan.FromSeconds(30);
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("confcluster-authority");
    private readonly ClusterAuthority _authority;

    public NodeTlsTests() => _authority = Authority("own");

    public void Dispose() => _directory.Delete(recursive: true);

    [Fact]
    public void A_node_of_the_authority_is_accepted()
    {
        _authority.Make(["192.0.2.1", "node-2.example"]);
        using var opened = NodeTls.Open(Tls(_authority, "192.0.2.1"), TimeProvider.System, _ => { }, out var problem);
        Assert.NotNull(opened);
        Assert.Empty(problem);
        Assert.Null(NodeTls.Refusal(Certificate(_authority, "node-2.example"), Roots(_authority)));
    }

    [Fact]
    public void A_node_of_another_authority_is_not()
    {
        var other = Authority("other");
        _authority.Make(["192.0.2.1"]);
        other.Make(["192.0.2.1"]);
        Assert.Contains("root of the cluster", NodeTls.Refusal(Certificate(other, "192.0.2.1"), Roots(_authority)), StringComparison.Ordinal);
        var mixed = new ClusterTls(Tls(other, "192.0.2.1").Certificate, _authority.PathOf(ClusterAuthority.RootFile), Reload);
        Assert.Null(NodeTls.Open(mixed, TimeProvider.System, _ => { }, out var problem));
        Assert.StartsWith("The other nodes would refuse", problem, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("1.3.6.1.5.5.7.3.1")]
    [InlineData("1.3.6.1.5.5.7.3.2")]
    [InlineData("")]
    public void A_certificate_of_the_root_for_another_purpose_is_not(string purpose)
    {
        _authority.Make(["192.0.2.1"]);
        using var root = X509Certificate2.CreateFromPemFile(_authority.PathOf(ClusterAuthority.RootFile), _authority.PathOf(ClusterAuthority.RootKeyFile));
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=half", key, HashAlgorithmName.SHA256);
        if (purpose.Length > 0) request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(purpose)], false));
        using var half = request.Create(root, DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddDays(1), [1, 2, 3]);
        Assert.Contains("clients and servers", NodeTls.Refusal(half, Roots(_authority)), StringComparison.Ordinal);
    }

    [Fact]
    public void A_certificate_that_is_over_is_not()
    {
        var old = new ClusterAuthority(Path.Combine(_directory.FullName, "old"), new FakeTimeProvider(DateTimeOffset.UtcNow.AddDays(-900)));
        old.Make(["192.0.2.1"]);
        Assert.Contains("not valid now", NodeTls.Refusal(Certificate(old, "192.0.2.1"), Roots(old)), StringComparison.Ordinal);
    }

    [Fact]
    public void A_second_time_adds_nodes_and_changes_nothing()
    {
        _authority.Make(["192.0.2.1"]);
        var (root, key) = (File.ReadAllText(_authority.PathOf(ClusterAuthority.RootFile)), File.ReadAllText(_authority.PathOf(ClusterAuthority.ClusterKeyFile)));
        Assert.Equal<string>([_authority.KeyOf("2001:db8::1"), _authority.CertificateOf("2001:db8::1")], _authority.Make(["2001:db8::1"]));
        Assert.Equal((root, key), (File.ReadAllText(_authority.PathOf(ClusterAuthority.RootFile)), File.ReadAllText(_authority.PathOf(ClusterAuthority.ClusterKeyFile))));
        Assert.Null(NodeTls.Refusal(Certificate(_authority, "2001:db8::1"), Roots(_authority)));
        Assert.Throws<IOException>(() => _authority.Make(["192.0.2.1"]));
    }

    [Fact]
    public void A_node_is_given_another_certificate_of_the_same_root_when_that_is_asked_for()
    {
        _authority.Make(["192.0.2.1", "192.0.2.2"]);
        var (root, key) = (File.ReadAllText(_authority.PathOf(ClusterAuthority.RootFile)), File.ReadAllText(_authority.PathOf(ClusterAuthority.ClusterKeyFile)));
        using var before = Certificate(_authority, "192.0.2.1");
        Assert.Equal<string>([_authority.KeyOf("192.0.2.1"), _authority.CertificateOf("192.0.2.1")], _authority.Make(["192.0.2.1"], renews: true));
        using var after = Certificate(_authority, "192.0.2.1");
        Assert.NotEqual(before.SerialNumber, after.SerialNumber);
        Assert.False(before.GetPublicKey().AsSpan().SequenceEqual(after.GetPublicKey()));
        // Both are a node's: connections that are open stay as they are.
        Assert.All([before, after], c => Assert.Null(NodeTls.Refusal(c, Roots(_authority))));
        using var opened = NodeTls.Open(Tls(_authority, "192.0.2.1"), TimeProvider.System, _ => { }, out _);
        Assert.NotNull(opened);
        Assert.Equal((root, key), (File.ReadAllText(_authority.PathOf(ClusterAuthority.RootFile)), File.ReadAllText(_authority.PathOf(ClusterAuthority.ClusterKeyFile))));
        Assert.Throws<IOException>(() => Authority("none").Make(["192.0.2.1"], renews: true));
        if (!OperatingSystem.IsWindows())
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(_authority.KeyOf("192.0.2.1")));
    }

    [Fact]
    public void While_the_root_is_changed_nodes_of_both_are_accepted_by_who_trusts_both()
    {
        var next = Authority("next");
        foreach (var authority in (ClusterAuthority[])[_authority, next]) authority.Make(["192.0.2.1"]);
        var both = Path.Combine(_directory.FullName, "both.pem");
        File.WriteAllLines(both, [File.ReadAllText(_authority.PathOf(ClusterAuthority.RootFile)), File.ReadAllText(next.PathOf(ClusterAuthority.RootFile))]);
        foreach (var authority in (ClusterAuthority[])[_authority, next])
        {
            using var opened = NodeTls.Open(Tls(authority, "192.0.2.1") with { Trust = both }, TimeProvider.System, _ => { }, out var problem);
            Assert.NotNull(opened);
            Assert.Empty(problem);
        }
    }

    [Fact]
    public void A_certificate_may_come_with_those_between_it_and_the_root()
    {
        using var rootKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var middleKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var (from, until) = (DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddDays(1));
        using var root = Authority("CN=root", rootKey).CreateSelfSigned(from, until);
        using var middle = Authority("CN=middle", middleKey).Create(root, from, until, [1]).CopyWithPrivateKey(middleKey);
        var request = new CertificateRequest("CN=node", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1"), new Oid("1.3.6.1.5.5.7.3.2")], false));
        using var node = request.Create(middle, from, until, [2]);
        Assert.Contains("root of the cluster", NodeTls.Refusal(node, [root]), StringComparison.Ordinal);
        Assert.Null(NodeTls.Refusal(node, [root], [middle]));

        File.WriteAllLines(PathOf("node.pem"), [node.ExportCertificatePem(), middle.ExportCertificatePem()]);
        File.WriteAllText(PathOf("node.key"), key.ExportPkcs8PrivateKeyPem());
        File.WriteAllText(PathOf("root.pem"), root.ExportCertificatePem());
        Close(PathOf("node.key"));
        var tls = new ClusterTls(new CertificateFiles(PathOf("node.pem"), PathOf("node.key"), null), PathOf("root.pem"), Reload);
        using var opened = NodeTls.Open(tls, TimeProvider.System, _ => { }, out var problem);
        Assert.Empty(problem);
        Assert.NotNull(opened);

        string PathOf(string name) => Path.Combine(_directory.FullName, name);

        static CertificateRequest Authority(string name, ECDsa key)
        {
            var request = new CertificateRequest(name, key, HashAlgorithmName.SHA256);
            request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
            return request;
        }
    }

    /// <summary>All nodes' ends at about the same time, and with them the cluster.</summary>
    [Fact]
    public void A_certificate_that_is_about_to_end_is_told_every_day_until_there_is_another()
    {
        _authority.Make(["192.0.2.1"]);
        var clock = new FakeTimeProvider(Certificate(_authority, "192.0.2.1").NotAfter.ToUniversalTime().AddDays(-16));
        List<string> told = [];
        var tls = Tls(_authority, "192.0.2.1");
        using var opened = NodeTls.Open(tls, clock, told.Add, out _);
        clock.Advance(TimeSpan.FromDays(1));
        Assert.Empty(told);
        clock.Advance(TimeSpan.FromDays(1.5));
        Assert.StartsWith($"TLS certificate {tls.Certificate.Certificate} ends on 20", Assert.Single(told), StringComparison.Ordinal);
        clock.Advance(TimeSpan.FromDays(1.5));
        Assert.Equal(2, told.Count);

        told.Clear();
        using var again = NodeTls.Open(tls, clock, told.Add, out _);
        Assert.Single(told);
        told.Clear();
        var later = new ClusterAuthority(Path.Combine(_directory.FullName, "own"), clock);
        later.Make(["192.0.2.1"], renews: true);
        clock.Advance(TimeSpan.FromDays(3));
        Assert.DoesNotContain(told, t => t.Contains(tls.Certificate.Certificate, StringComparison.Ordinal));
    }

    [Fact]
    public void A_key_that_others_can_read_is_none()
    {
        if (OperatingSystem.IsWindows()) return;
        _authority.Make(["192.0.2.1"]);
        File.SetUnixFileMode(_authority.KeyOf("192.0.2.1"), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.OtherRead);
        Assert.Null(NodeTls.Open(Tls(_authority, "192.0.2.1"), TimeProvider.System, _ => { }, out var problem));
        Assert.Equal($"The key file {_authority.KeyOf("192.0.2.1")} can be read by others; chmod 600 it.", problem);
        Close(_authority.KeyOf("192.0.2.1"));
        using var opened = NodeTls.Open(Tls(_authority, "192.0.2.1"), TimeProvider.System, _ => { }, out _);
        Assert.NotNull(opened);
    }

    [Fact]
    public void What_is_secret_is_for_its_owner_alone()
    {
        if (OperatingSystem.IsWindows()) return;
        _authority.Make(["192.0.2.1"]);
        foreach (var file in new[] { _authority.PathOf(ClusterAuthority.RootKeyFile), _authority.KeyOf("192.0.2.1"), _authority.PathOf(ClusterAuthority.ClusterKeyFile) })
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
    }

    [Fact]
    public void Every_node_reads_the_same_secret_and_one_that_is_alone_makes_its_own()
    {
        _authority.Make([]);
        var file = _authority.PathOf(ClusterAuthority.ClusterKeyFile);
        using var one = ClusterKey.Open(file, out _)!;
        using var other = ClusterKey.Open(file, out _)!;
        using var alone = ClusterKey.Open(null, out _)!;
        Assert.True(one.FixedTimeEquals(other));
        Assert.False(one.FixedTimeEquals(alone));
        File.WriteAllText(file, "00");
        Assert.Null(ClusterKey.Open(file, out var problem));
        Assert.Contains("64 hexadecimal digits", problem, StringComparison.Ordinal);
    }

    private static void Close(string file)
    {
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }

    private ClusterAuthority Authority(string name) => new(Path.Combine(_directory.FullName, name), TimeProvider.System);

    private static ClusterTls Tls(ClusterAuthority authority, string node) =>
        new(new CertificateFiles(authority.CertificateOf(node), authority.KeyOf(node), null), authority.PathOf(ClusterAuthority.RootFile), Reload);

    private static X509Certificate2 Certificate(ClusterAuthority authority, string node) => X509CertificateLoader.LoadCertificateFromFile(authority.CertificateOf(node));

    private static X509Certificate2Collection Roots(ClusterAuthority authority) =>
        [X509CertificateLoader.LoadCertificateFromFile(authority.PathOf(ClusterAuthority.RootFile))];
}
