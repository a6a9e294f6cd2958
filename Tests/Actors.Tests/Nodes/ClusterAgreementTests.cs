using System.Security.Cryptography;
using ConfCluster.Actors.Nodes;
using ConfCluster.Protocols.Wire;
using Xunit;

namespace ConfCluster.Actors.Tests.Nodes;

public sealed class ClusterAgreementTests : IDisposable
{
    private readonly SecretBytes _key = Key();

    public void Dispose() => _key.Dispose();

    [Fact]
    public void Nodes_with_the_same_settings_agree() =>
        Assert.Null(ClusterAgreement.Refusal(ClusterAgreement.RolesOf(50, _key), "n2", ["sip", .. ClusterAgreement.RolesOf(50, _key)]));

    [Fact]
    public void A_node_with_another_number_of_shards_is_told_both() => Assert.Equal(
        "confcluster.conference.shards is 20 here and 50 at n2; it must be the same on every node of a cluster.",
        ClusterAgreement.Refusal(ClusterAgreement.RolesOf(20, _key), "n2", ClusterAgreement.RolesOf(50, _key)));

    [Fact]
    public void A_node_with_another_secret_is_refused_and_nobody_is_told_it()
    {
        using var other = Key();
        var refusal = ClusterAgreement.Refusal(ClusterAgreement.RolesOf(50, other), "n2", ClusterAgreement.RolesOf(50, _key));
        Assert.Contains("key-file", refusal, StringComparison.Ordinal);
        var said = $"{string.Concat(ClusterAgreement.RolesOf(50, _key))}{refusal}";
        Assert.DoesNotContain(Convert.ToHexString(_key.Reveal())[..16], said, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public void One_of_a_version_that_says_nothing_is_taken_in() =>
        Assert.Null(ClusterAgreement.Refusal(ClusterAgreement.RolesOf(50, _key), "n2", ["sip", "focus"]));

    private static SecretBytes Key() => SecretBytes.Create(32, RandomNumberGenerator.Fill);
}
