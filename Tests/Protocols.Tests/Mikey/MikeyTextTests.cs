using ConfCluster.Protocols.Mikey;
using ConfCluster.Support;
using Xunit;

namespace ConfCluster.Protocols.Tests.Mikey;

public class MikeyTextTests
{
    public static TheoryData<string> All => [.. MikeyTexts.All];

    [Theory]
    [MemberData(nameof(All))]
    public void Every_payload_has_a_line_of_its_own(string name)
    {
        Assert.True(MikeyReader.TryRead(MikeyTexts.Of(name), out var message, out _));
        Assert.True(MikeyText.Lines(message!).Count() > message!.Payloads.Count);
    }

    [Fact]
    public void A_transfer_is_told_field_by_field_and_its_MAC_checked()
    {
        Assert.True(MikeyReader.TryRead(MikeyTexts.Of("C TRANSFER_INIT"), out var message, out _));
        var lines = MikeyText.Lines(message!).ToList();
        Assert.Equal("HDR      TransferInit (14), V 1, PRF HmacSha256, CSB ID 52520002, 2 crypto sessions", lines[0]);
        Assert.Contains(lines, l => l.StartsWith("IDR      Responder, Uri sip:bob@example.com", StringComparison.Ordinal));
        Assert.Contains(lines, l => l.Contains("flags DEFHILMNO, ticket data", StringComparison.Ordinal));
        var v = VectorFile.Json("mikey/mikey_messages_computed.json").GetProperty("mikey_ticket")[2];
        using var mpki = MikeyCodecVectors.Secret(v.GetProperty("derived"), "MPKi");
        using var other = MikeyCodecVectors.Secret(v, "tpk");
        Assert.True(MikeyCheck.Of(message!, mpki));
        Assert.False(MikeyCheck.Of(message!, other));
        Assert.True(MikeyReader.TryRead(MikeyTexts.Of("C TRANSFER_RESP"), out var response, out _));
        Assert.Null(MikeyCheck.Of(response!, mpki));
    }

    [Fact]
    public void Keys_in_the_clear_are_not_shown() =>
        Assert.Contains(Told("C REQUEST_INIT_PSK"), l => l.Contains("KEMAC", StringComparison.Ordinal) && l.Contains("octets in clear", StringComparison.Ordinal));

    private static List<string> Told(string name) => MikeyReader.TryRead(MikeyTexts.Of(name), out var message, out _) ? [.. MikeyText.Lines(message!)] : [];
}
