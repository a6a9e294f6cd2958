using System.Collections.Immutable;
using System.Globalization;
using ConfCluster.Protocols.Sip.Authentication;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Parsing;
using ConfCluster.Protocols.Sip.Sessions;
using CsCheck;
using Xunit;

namespace ConfCluster.Protocols.Tests.Sip.Parsing;

public sealed class SipWriterProperties
{
    private const string TokenChars = "abcXYZ019-.!%*_+`'~";

    private static readonly Gen<string> Token = Gen.Char[TokenChars].Array[1, 12].Select(c => new string(c));
    private static readonly Gen<string> Text = Gen.Char["ab \t\"\\,;<>:@%=\0\a\x7f\u00e9\u4e2d"].Array[1, 12].Select(c => new string(c));
    private static readonly Gen<string> Readable = Gen.Char["ab \t\"\\,;<>:@%=\u00e9\u4e2d"].Array[1, 12].Select(c => new string(c));
    private static readonly Gen<string> Name = Gen.Int[0, 1_000_000].Select(i => $"p{i}");

    private static readonly Gen<string> Host =
        Gen.OneOf(Gen.Const("example.com"), Gen.Const("192.0.2.7"), Gen.Const("[2001:db8::1]"), Gen.Const("a-b.c_d"), Gen.Const("3f2a1bc0"));

    private static readonly Gen<int?> Port = Gen.OneOf(Gen.Const((int?)null), Gen.Int[1, 65_535].Select(p => (int?)p));

    private static readonly Gen<SipParameters> HeaderParameters = Parameters(Gen.OneOf(Token, Text, Gen.Const("2001:db8::1"), Gen.Const(""))!);
    private static readonly Gen<SipParameters> UriParameters = Parameters(Text!);

    private static readonly Gen<SipUri> Uri = Gen.Select(Text, Gen.Bool, Host, Port, UriParameters, Text.Array[0, 2], (user, hasUser, host, port, parameters, headers) =>
        new SipUri("sip", hasUser ? user : null, hasUser && port > 30_000 ? user : null, host, port, parameters,
            [.. headers.Select((h, i) => new KeyValuePair<string, string>($"h{i}", h))]));

    private static readonly Gen<NameAddr> Address = Gen.Select(Text, Gen.Bool, Uri, HeaderParameters, (name, has, uri, parameters) =>
        new NameAddr(has ? name : null, uri, parameters));

    private static readonly Gen<Via> AnyVia = Gen.Select(Token, Host, Port, HeaderParameters, (transport, host, port, parameters) =>
        new Via(transport.ToUpperInvariant(), host, port, parameters));

    private static Gen<SipParameters> Parameters(Gen<string?> value) =>
        Gen.Select(Name, Gen.OneOf(value, Gen.Const((string?)null)), (n, v) => new KeyValuePair<string, string?>(n, v)).Array[0, 3]
            .Select(items => new SipParameters([.. items.DistinctBy(i => i.Key)]));

    [Fact]
    public void A_URI_reads_back_equal() =>
        Uri.Sample(uri => Assert.True(SipReader.TryReadUri(uri.ToString(), out var again) && again == uri, uri.ToString()));

    [Fact]
    public void An_address_reads_back_equal() =>
        Address.Sample(address => Assert.True(SipReader.TryReadAddress(address.ToString(), out var again) && again == address, address.ToString()));

    [Fact]
    public void A_message_reads_back_equal_and_is_written_the_same_again() =>
        Gen.Select(Uri, AnyVia.Array[1, 3], Address, Address, Address.Array[0, 3], Gen.Byte.Array[0, 64]).Sample((uri, vias, from, to, contacts, body) =>
        {
            var headers = SipHeaders.Empty.Append("Via", vias.Select(v => v.ToString())).Append("From", from.ToString()).Append("To", to.ToString())
                .Append("Call-ID", "x@y").Append("CSeq", new CSeq(7, SipMethod.Invite).ToString());
            if (contacts.Length > 0) headers = headers.Append("Contact", string.Join(", ", contacts.Select(c => c.ToString())));
            var message = new SipRequest(SipMethod.Invite, uri with { Headers = [] }) { Headers = headers, Body = new SipBody(body) };
            var bytes = SipWriter.ToBytes(message);

            Assert.True(SipReader.TryRead(bytes, out var again, out var error), error.Detail);
            Assert.Equal(message.RequestUri, Assert.IsType<SipRequest>(again).RequestUri);
            Assert.Equal<SipHeader>(message.Headers.Fields, again.Headers.Fields);
            Assert.Equal<Via>([.. vias], again.Headers.Vias);
            Assert.Equal(from, again.Headers.From);
            Assert.Equal(to, again.Headers.To);
            Assert.Equal<NameAddr>([.. contacts], again.Headers.Contacts);
            Assert.Equal(body, again.Body.Span.ToArray());
            Assert.Equal(bytes, SipWriter.ToBytes(again));
        });

    [Fact]
    public void A_response_reads_back_equal() =>
        Gen.Select(AnyVia, Address, Address.Array[0, 2], Gen.Int[100, 699], Gen.Char["ab \t\"\\,;<>:@%=\u00e9"].Array[0, 20], Gen.Byte.Array[0, 64])
            .Sample((via, to, routes, status, reason, body) =>
            {
                var headers = SipHeaders.Empty.Append("Via", via.ToString()).Append("Record-Route", routes.Select(r => r.ToString())).Append("From", to.ToString())
                    .Append("To", to.ToString()).Append("Call-ID", "x").Append("CSeq", "1 INVITE");
                var response = new SipResponse(status, new string(reason)) { Headers = headers, Body = new SipBody(body) };
                var bytes = SipWriter.ToBytes(response);
                Assert.True(SipReader.TryRead(bytes, out var again, out var error), error.Detail);
                Assert.Equal((status, response.Reason), (Assert.IsType<SipResponse>(again).StatusCode, ((SipResponse)again).Reason));
                Assert.Equal<SipHeader>(response.Headers.Fields, again.Headers.Fields);
                Assert.Equal<NameAddr>([.. routes], again.Headers.RecordRoutes);
                Assert.Equal(bytes, SipWriter.ToBytes(again));
            });

    /// <summary>Every field that has a type of its own, in a message and back.</summary>
    [Fact]
    [Trait("RFC", "3261 §20")]
    public void The_typed_fields_of_a_message_of_ours_read_back_equal() =>
        Gen.Select(Address.Array[0, 3], Address.Array[0, 3], Gen.UInt[0, int.MaxValue], Gen.Int[0, 255], Token.Array[1, 4], Gen.Int[90, 100_000], Gen.Int[0, 2])
            .Sample((routes, recorded, number, hops, tokens, seconds, who) =>
            {
                var timer = new SessionExpires(TimeSpan.FromSeconds(seconds), (Refresher)who);
                var headers = SipHeaders.Empty.Append("Via", "SIP/2.0/UDP a;branch=z9hG4bKx").Append("Route", routes.Select(r => r.ToString()))
                    .Append("Record-Route", recorded.Select(r => r.ToString())).Append("From", "<sip:a@b>;tag=1").Append("To", "<sip:c@d>")
                    .Append("Call-ID", "x@y").Append("CSeq", new CSeq(number, SipMethod.Update).ToString())
                    .Append("Max-Forwards", hops.ToString(CultureInfo.InvariantCulture)).Append("Contact", "*").Append("Supported", string.Join(", ", tokens))
                    .Append("Allow", tokens).Append("Session-Expires", timer.ToString()).Append("Min-SE", SessionExpires.Seconds(timer.Interval))
                    .Append("Content-Type", "application/sdp");
                var bytes = SipWriter.ToBytes(new SipRequest(SipMethod.Update, SipUri.Sip("c", "d")) { Headers = headers });
                Assert.True(SipReader.TryRead(bytes, out var message, out var error), error.Detail);
                var read = message!.Headers;
                Assert.Equal<NameAddr>([.. routes], read.Routes);
                Assert.Equal<NameAddr>([.. recorded], read.RecordRoutes);
                Assert.Equal((new CSeq(number, SipMethod.Update), hops, "application/sdp"), (read.CSeq, read.MaxForwards, read.ContentType));
                Assert.True(read.IsContactStar && read.Contacts.IsEmpty);
                Assert.Equal(tokens, read.List("Supported"));
                Assert.Equal(tokens, read.List("Allow"));
                Assert.True(SessionExpires.TryRead(read, out var expires) && expires == timer);
                Assert.True(SessionExpires.TryReadMinimum(read, out var minimum) && minimum == timer.Interval);
            });

    /// <summary>Challenges and credentials (RFC 7616 §3.3, §3.4), whatever stands in their texts.</summary>
    [Fact]
    public void Challenges_and_credentials_read_back_equal() =>
        Gen.Select(Readable, Readable, Readable, Gen.Bool, Gen.Bool, Gen.UInt, Gen.Byte.Array[16])
            .Sample((user, realm, nonce, hasQop, stale, count, response) =>
            {
                var challenge = new ChallengeFields(realm, nonce, hasQop ? nonce : null, "MD5", hasQop ? ["auth"] : [], stale);
                Assert.True(DigestText.TryReadChallenges(challenge.ToString(), out var challenges, out var error), error.ToString());
                Assert.Equal(challenge.ToString(), Assert.Single(challenges).ToString());
                var credentials = new CredentialFields(
                    user, realm, nonce, "sip:a@b", Convert.ToHexStringLower(response), "MD5", hasQop ? "c" : null, stale ? realm : null, hasQop ? "auth" : null,
                    hasQop ? count.ToString("x8", CultureInfo.InvariantCulture) : null);
                Assert.True(DigestText.TryReadCredentials(credentials.ToString(), out var read, out error), error.ToString());
                Assert.Equal(credentials, read);
            });


    [Fact]
    public void A_line_break_in_a_value_of_ours_is_our_bug()
    {
        var uri = SipUri.Sip("a", "b");
        Assert.Throws<InvalidOperationException>(() => SipWriter.ToBytes(new SipResponse(200, "OK\r\nX: 1")));
        Assert.Throws<InvalidOperationException>(() => SipWriter.ToBytes(new SipResponse(200, "OK") { Headers = SipHeaders.Empty.Append("X", "1\n2") }));
        Assert.Throws<InvalidOperationException>(() => SipWriter.ToBytes(new SipResponse(200, "OK") { Headers = SipHeaders.Empty.Append("X\r\n", "1") }));
        Assert.Throws<InvalidOperationException>(() => SipWriter.Write(new NameAddr("a\rb", uri, SipParameters.Empty)));
        Assert.Throws<InvalidOperationException>(() => SipWriter.Write(new NameAddr(uri).WithTag("a\nb")));
        Assert.Throws<InvalidOperationException>(() => SipWriter.Write(SipUri.Sip("a", "b\r\nX: 1")));
        Assert.Equal("sip:a%0D%0A@b", SipWriter.Write(SipUri.Sip("a\r\n", "b")));
    }

    [Fact]
    [Trait("RFC", "3261 §20.14")]
    public void Content_Length_is_computed_and_never_given()
    {
        var response = new SipResponse(200, "OK") { Body = new SipBody(new byte[11]) };
        Assert.Contains("Content-Length: 11\r\n\r\n", System.Text.Encoding.ASCII.GetString(SipWriter.ToBytes(response)), StringComparison.Ordinal);
        Assert.Throws<InvalidOperationException>(() => SipWriter.ToBytes(response with { Headers = SipHeaders.Empty.Append("content-length", "3") }));
    }
}
