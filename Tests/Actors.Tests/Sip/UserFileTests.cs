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
        var file = new UserFile(path);
        Assert.Null(file.Refresh());
        Assert.Equal("alice", Assert.Single(file.Users.Users).Name);
        File.WriteAllText(path, "nonsense");
        Assert.Contains("line 1", file.Refresh(), StringComparison.Ordinal);
        Assert.Null(file.Refresh());
        Assert.Single(file.Users.Users);
        file.Close();
        File.Delete(path);
    }
}
