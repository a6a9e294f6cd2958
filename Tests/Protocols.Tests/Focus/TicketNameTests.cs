using ConfCluster.Protocols.Keys;
using Xunit;
using static ConfCluster.Protocols.Focus.ParticipantEffect;

namespace ConfCluster.Protocols.Tests.Focus;

/// <summary>SPIs of phones that do not know how we name keys.</summary>
[Trait("RFC", "6043 §6.1.1")]
public sealed class TicketNameTests
{
    [Theory]
    [InlineData("|1:4")]
    [InlineData("|7:4")]
    public void A_phone_that_names_its_key_as_an_epoch_is_told_so_in_a_group(string mki)
    {
        using var phone = new ForeignPhone();
        phone.Join(mki, ParticipantScene.Group(1));
        Assert.Equal(488, phone.Focus.Response.StatusCode);
        Assert.Contains("TakenSpi", phone.Focus.Response.Headers.First("Warning"), StringComparison.Ordinal);
        phone.Focus.Only<Leave>();
    }

    [Theory]
    [InlineData("|1:1")]
    [InlineData("|1:2")]
    [InlineData("|1:8")]
    [InlineData("|2147483648:4")]
    [InlineData("|2147483649:4")]
    [InlineData("|2147549185:4")]
    [InlineData("|3221225473:4")]
    public void Other_names_are_taken_and_ours_differ_from_them(string mki)
    {
        using var phone = new ForeignPhone();
        phone.Join(mki, ParticipantScene.Group(1));
        Assert.Equal(2, phone.Heard.Length);
        phone.NamesAreUnique();
        Assert.Equal(phone.Heard.Length, phone.Heard.Select(k => k.Mki).Distinct().Count());
    }

    [Fact]
    public void On_a_key_of_its_own_it_may_name_them_so_and_is_offered_none_of_the_group()
    {
        using var phone = new ForeignPhone();
        phone.Join("|2:4");
        phone.NamesAreUnique();
        phone.Focus.OfferKey(1, null);
        Assert.Equal(LegKeyAnswer.Refused, phone.Focus.Only<ReportKey>().Answer);
        phone.Focus.None<SendRequest>();
    }

    [Theory]
    [InlineData("|2:4")]
    [InlineData("|2147483649:4")]
    public void A_later_key_under_a_name_of_ours_is_refused_and_the_call_goes_on(string mki)
    {
        using var phone = new ForeignPhone();
        phone.Join(key: ParticipantScene.Group(1));
        phone.Later("INVITE", phone.WithUpdate(2, 2, mki));
        Assert.Equal(488, phone.Focus.Response.StatusCode);
        Assert.Contains("TakenSpi", phone.Focus.Response.Headers.First("Warning"), StringComparison.Ordinal);
        phone.Later("INVITE", phone.WithTicket(3, 3, mki));
        phone.Resolve();
        Assert.Equal(488, phone.Focus.Response.StatusCode);
        phone.Later("INVITE", phone.WithUpdate(4, 4, "|1073741826:4"));
        Assert.Equal(200, phone.Focus.Response.StatusCode);
    }
}
