using System.Collections.Immutable;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Parsing;
using CsCheck;
using Xunit;

namespace ConfCluster.Protocols.Tests.Sip.Parsing;

public sealed class SipWriterProperties
{
    private const string TokenChars = "abcXYZ019-.!%*_+`'~";

    private static readonly Gen<string> Token = Gen.Char[TokenChars].Array[1, 12].Select(c => new string(c));
    private static readonly Gen<string> Text = Gen.Char["ab \t\"\\,;<>:@%=\0\a\x7f\u00e9\u4e2d"].Array[1, 12].Select(c => new string(c));
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
