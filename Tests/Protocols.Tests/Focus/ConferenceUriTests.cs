using ConfCluster.Protocols.Focus;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Parsing;
using Xunit;

namespace ConfCluster.Protocols.Tests.Focus;

public sealed class ConferenceUriTests
{
    [Theory]
    [Trait("RFC", "4353 §4.1")]
    [InlineData("sip:100@127.0.0.1", "100")]
    [InlineData("sip:Weekly-Call@example.com", "weekly-call")]
    [InlineData("sip:%77eekly@example.com;transport=tcp", "weekly")]
    [InlineData("sip:a.b_c+d~e!f*g@[::1]:5070", "a.b_c+d~e!f*g")]
    public void The_user_part_names_the_conference_without_case_and_escapes(string uri, string name)
    {
        Assert.True(SipReader.TryReadUri(uri, out var read));
        Assert.True(ConferenceUri.TryRead(read!, SipTransport.Udp, out var conference, out _));
        Assert.Equal(name, conference.Value);
    }

    [Theory]
    [InlineData("sip:127.0.0.1", ParticipantRefusal.NoConferenceName)]
    [InlineData("sip:a%2Fb@127.0.0.1", ParticipantRefusal.BadConferenceName)]
    [InlineData("sip:a%00b@127.0.0.1", ParticipantRefusal.BadConferenceName)]
    [InlineData("sip:%C3%A9@127.0.0.1", ParticipantRefusal.BadConferenceName)]
    [InlineData("sip:a;b=c@127.0.0.1", ParticipantRefusal.BadConferenceName)]
    [InlineData("sips:100@127.0.0.1", ParticipantRefusal.InsecureTransport)]
    [InlineData("tel:+358555", ParticipantRefusal.UnsupportedScheme)]
    public void What_cannot_be_a_name_is_refused_with_its_reason(string uri, ParticipantRefusal reason)
    {
        Assert.True(SipReader.TryReadUri(uri, out var read));
        Assert.False(ConferenceUri.TryRead(read!, SipTransport.Udp, out _, out var refusal));
        Assert.Equal(reason, refusal);
    }

    [Fact]
    [Trait("RFC", "3261 §26.2.2")]
    public void A_sips_URI_names_a_conference_when_it_came_over_TLS()
    {
        Assert.True(SipReader.TryReadUri("sips:100@127.0.0.1", out var read));
        Assert.True(ConferenceUri.TryRead(read!, SipTransport.Tls, out var conference, out _));
        Assert.Equal("100", conference.Value);
        Assert.False(ConferenceUri.TryRead(read!, SipTransport.Tcp, out _, out var refusal));
        Assert.Equal((480, "SIPS Needs TLS"), ParticipantRefusalStatus.Of(refusal));
    }

    [Theory]
    [InlineData(64, true)]
    [InlineData(65, false)]
    public void A_name_has_64_characters_at_most(int length, bool accepted)
    {
        Assert.True(SipReader.TryReadUri($"sip:{new string('a', length)}@127.0.0.1", out var read));
        Assert.Equal(accepted, ConferenceUri.TryRead(read!, SipTransport.Udp, out _, out _));
    }

    [Fact]
    public void Every_refusal_that_is_answered_from_the_table_has_a_status()
    {
        ParticipantRefusal[] others =
        [
            ParticipantRefusal.NoAck, ParticipantRefusal.BadAnswer, ParticipantRefusal.JoinRefused, ParticipantRefusal.LegRefused,
            ParticipantRefusal.Unanswerable, ParticipantRefusal.NotRefreshed, ParticipantRefusal.NotMoved, ParticipantRefusal.CutOff,
        ];
        foreach (var refusal in Enum.GetValues<ParticipantRefusal>().Except(others))
            Assert.InRange(ParticipantRefusalStatus.Of(refusal).Status, 400, 699);
    }
}
