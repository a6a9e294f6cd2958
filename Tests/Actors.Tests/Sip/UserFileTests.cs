using System.Text;
using ConfCluster.Actors.Sip;
using ConfCluster.Protocols.Sip.Authentication;
using ConfCluster.Protocols.Wire;
using Xunit;

namespace ConfCluster.Actors.Tests.Sip;

public sealed class UserFileTests
{
    [Fact]
    public void A_users_file_that_cannot_be_read_leaves_the_users_as_they_were()
    {
        var path = Path.Combine(Path.GetTempPath(), $"users-{Guid.NewGuid():N}");
        using var password = SecretBytes.CopyOf(Encoding.UTF8.GetBytes("secret"));
        using var users = UserTable.Empty.With("alice", "realm", password);
        Assert.Null(UserFile.Save(path, users));
        var file = new UserFile(path, UserTable.Empty);
        Assert.Null(file.Refresh());
        Assert.Equal("alice", Assert.Single(file.Users.Users).Name);
        File.WriteAllText(path, "nonsense");
        Assert.Contains("line 1", file.Refresh(), StringComparison.Ordinal);
        Assert.Null(file.Refresh());
        Assert.Single(file.Users.Users);
        file.Close();
        File.Delete(path);
    }

    [Fact]
    public void Users_of_the_settings_are_there_with_and_without_a_file_and_the_file_goes_first()
    {
        var path = Path.Combine(Path.GetTempPath(), $"users-{Guid.NewGuid():N}");
        using var old = SecretBytes.CopyOf("old"u8);
        using var changed = SecretBytes.CopyOf("changed"u8);
        using var configured = UserTable.Empty.With("alice", "realm", old).With("bob", "realm", old);
        using var inFile = UserTable.Empty.With("alice", "realm", changed);
        var file = new UserFile(path, configured);
        Assert.Null(file.Refresh());
        Assert.Equal(2, file.Users.Users.Count());
        Assert.Null(UserFile.Save(path, inFile));
        Assert.Null(file.Refresh());
        Assert.Equal(2, file.Users.Users.Count());
        Assert.True(Secret(file.Users, "alice").FixedTimeEquals(Secret(inFile, "alice")));
        Assert.True(Secret(file.Users, "bob").FixedTimeEquals(Secret(configured, "bob")));
        File.Delete(path);
        Assert.Null(file.Refresh());
        Assert.True(Secret(file.Users, "alice").FixedTimeEquals(Secret(configured, "alice")));
        file.Close();
    }

    private static SecretBytes Secret(UserTable users, string name) => users.Find(name, "realm", DigestAlgorithm.Sha256)!;
}
