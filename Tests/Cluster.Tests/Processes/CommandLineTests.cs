using System.Text.Json;
using Xunit;

namespace ConfCluster.Cluster.Tests.Processes;

[Collection("processes")]
public class CommandLineTests
{
    [Theory]
    [InlineData("conferense", "Did you mean")]
    [InlineData("run --prot 5", "--prot")]
    [InlineData("conference show", "NAME")]
    [InlineData("load --conference x --phones 2", "--talkers must not be more than --phones")]
    [InlineData("load --conference x --conferences 4 --phones 8", "--talkers times --conferences must not be more than --phones")]
    [InlineData("load --conference x --conferences 2 --srtp mikey --kms http://127.0.0.1:8080/mikey --user sip:a@b --psk-file x", "--srtp mikey gets tickets for one conference")]
    [InlineData("load --conference x --end-rate 0", "--end-rate must be more than 0")]
    [InlineData("conference list --url nonsense:", "is no http:// address")]
    public async Task What_is_typed_wrong_gets_a_sentence_and_exit_code_2(string arguments, string sentence)
    {
        var (exitCode, output) = await NodeProcess.RunAsync(arguments.Split(' '));
        Assert.Equal(2, exitCode);
        Assert.Contains(sentence, output, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_configuration_is_checked_without_starting_anything()
    {
        var (exitCode, output) = await NodeProcess.RunAsync("config", "check", "--json", "--set", "confcluster.sip.udp.prot=5070");
        Assert.Equal(1, exitCode);
        using var json = JsonDocument.Parse(output);
        Assert.False(json.RootElement.GetProperty("ok").GetBoolean());
        Assert.Equal("confcluster.sip.udp.prot", json.RootElement.GetProperty("problems")[0].GetProperty("where").GetString());
    }

    [Fact]
    public async Task No_node_to_ask_is_said_plainly()
    {
        var (exitCode, output) = await NodeProcess.RunAsync("conference", "list", "--url", $"http://127.0.0.1:{NodeProcess.FreePort()}");
        Assert.Equal(1, exitCode);
        Assert.StartsWith("No node answers at", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_key_management_message_is_printed_and_its_MAC_checked_with_a_key_from_a_file()
    {
        // RFC 4567 §5.1; its key was never published.
        const string Offer = "AQAFgM0XflABAAAAAAAAAAAAAAsAyONQ6gAAAAAGEEoo2pee4hp2UaDX8ZE22YwKAAAPZG9uYWxkQGR1Y2suY29tAQAAAAAAAQAk0JKpgaVkDaawi9whVBtBt0KZ14ymNuu62+Nv3ozPLygwK/GbAV9iemnGUIZ19fWQUOSrzKTAv9zV";
        var (exitCode, output) = await NodeProcess.RunAsync("mikey", "decode", Offer);
        Assert.Equal(0, exitCode);
        Assert.Contains("ID       Nai donald@duck.com", output, StringComparison.Ordinal);
        var file = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(file, "000102030405060708090a0b0c0d0e0f\n");
            (exitCode, output) = await NodeProcess.RunAsync("mikey", "decode", Offer, "--psk-file", file);
            Assert.Equal(1, exitCode);
            Assert.Contains("The MAC is wrong", output, StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(file);
        }

        Assert.Equal(1, (await NodeProcess.RunAsync("mikey", "decode", "AAAA")).ExitCode);
    }
}
