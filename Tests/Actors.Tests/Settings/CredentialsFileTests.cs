using System.Text;
using ConfCluster.Actors.Settings;
using Xunit;

namespace ConfCluster.Actors.Tests.Settings;

public sealed class CredentialsFileTests : IDisposable
{
    private readonly string _path = Path.GetTempFileName();

    [Fact]
    public void Lines_are_user_realm_and_the_rest_is_the_password()
    {
        File.WriteAllText(_path, "# ours\n\nfocus:telco.example:a:b c\r\nother:two words:x\n");
        var credentials = CredentialsFile.Read(_path, out var problem);
        Assert.Null(problem);
        Assert.Equal([("focus", "telco.example", "a:b c"), ("other", "two words", "x")],
            credentials.Select(c => (c.UserName, c.Realm, Encoding.UTF8.GetString(c.Password.Reveal()))));
    }

    [Theory]
    [InlineData("focus")]
    [InlineData("focus:realm")]
    [InlineData(":realm:x")]
    [InlineData("focus::x")]
    public void A_line_that_cannot_be_read_is_named_and_not_shown(string line)
    {
        File.WriteAllText(_path, $"a:b:c\n{line}");
        Assert.Empty(CredentialsFile.Read(_path, out var problem));
        Assert.Equal("line 2 is not user:realm:password", problem);
    }

    [Fact]
    public void A_file_that_is_not_there_is_a_problem()
    {
        Assert.Empty(CredentialsFile.Read(_path + ".not", out var problem));
        Assert.NotNull(problem);
    }

    public void Dispose() => File.Delete(_path);
}
