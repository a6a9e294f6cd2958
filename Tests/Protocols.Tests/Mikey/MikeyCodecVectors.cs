using System.Text.Json;
using ConfCluster.Protocols.Mikey;
using ConfCluster.Protocols.Mikey.Payloads;
using ConfCluster.Protocols.Wire;
using ConfCluster.Support;
using Xunit;

namespace ConfCluster.Protocols.Tests.Mikey;

public class MikeyCodecVectors
{
    private static readonly JsonElement Messages = VectorFile.Json("mikey/mikey_messages_computed.json");
    private static readonly JsonElement Kdf = VectorFile.Json("mikey/mikey_kdf.json");

    public static TheoryData<string> All => [.. MikeyTexts.All];

    [Theory]
    [MemberData(nameof(All))]
    public void What_was_read_is_written_octet_by_octet_the_same(string name)
    {
        var octets = MikeyTexts.Of(name);
        Assert.True(MikeyReader.TryRead(Fragments.InsideALargerBuffer(octets).Span, out var message, out var error), $"{name}: {error}");
        Assert.Equal(Octets.CopyOf(octets), MikeyWriter.Write(message!));
        Assert.True(MikeyReader.TryRead(octets, out var again, out _));
        Assert.Equal(message, again);
    }

    [Theory]
    [MemberData(nameof(All))]
    public void A_message_that_was_cut_is_refused(string name)
    {
        foreach (var cut in Fragments.CutAtEveryLength(MikeyTexts.Of(name)))
        {
            Assert.False(MikeyReader.TryRead(cut, out _, out var error));
            Assert.NotEqual(MikeyError.None, error);
        }
    }

    [Fact]
    [Trait("RFC", "4567 §5.1")]
    public void The_example_of_the_RFC_holds_what_it_says()
    {
        Assert.True(MikeyReader.TryRead(MikeyTexts.Of("RFC 4567 5.1 offer (PSK I_MESSAGE)"), out var offer, out _));
        Assert.Equal(MessageType.PreShared, offer!.Header.Type);
        Assert.True(offer.Header.V);
        Assert.Equal(new CsIdMap.Srtp(new([new SrtpSession(0, 0, 0)])), offer.Header.Map);
        Assert.Equal("donald@duck.com", offer.First<NamedIdentity>()!.Identity.ToString());
        Assert.Equal(new MikeyTime(TimestampType.NtpUtc, 0xC8E350EA00000000), offer.First<Timestamp>()!.Time);
        Assert.Empty(offer.First<SecurityPolicy>()!.Parameters);
        Assert.Equal(EncryptionAlgorithm.AesCm128, ((Kemac)offer.Last!).Encryption);
    }

    [Fact]
    [Trait("RFC", "3830 §4.1.2")]
    [Trait("RFC", "6043 §6.1")]
    public void Both_pseudorandom_functions_give_the_computed_keys()
    {
        foreach (var vector in Kdf.GetProperty("prf").EnumerateArray().Concat(Kdf.GetProperty("derivations").EnumerateArray()))
        {
            using var key = Secret(vector, "inkey");
            using var derived = MikeyPrf.Derive(
                (PrfFunction)vector.GetProperty("prf_func").GetByte(), key, Hex(vector, "label"), vector.GetProperty("outkey_len_bits").GetInt32() / 8);
            Assert.Equal(Hex(vector, "outkey"), derived.Reveal().ToArray());
        }
    }

    [Fact]
    [Trait("RFC", "6043 §5.1.2")]
    [Trait("RFC", "6043 §5.1.3")]
    [Trait("RFC", "6043 §5.1.1")]
    public void Labels_are_what_the_RFCs_spell()
    {
        foreach (var vector in Kdf.GetProperty("derivations").EnumerateArray())
        {
            var label = Hex(vector, "label");
            var csId = vector.TryGetProperty("cs_id", out var cs) && cs.ValueKind == JsonValueKind.Number ? cs.GetByte() : (byte)0xFF;
            var csb = vector.TryGetProperty("csb_id", out _) ? BitConverter.ToUInt32(Hex(vector, "csb_id").Reverse().ToArray()) : 0;
            Octets Rand(string name) => vector.TryGetProperty(name, out _) ? Octets.CopyOf(Hex(vector, name)) : Octets.Empty;
            var (i, r, none) = (Rand("randri"), Rand("randrr"), Octets.Empty);
            Octets[] candidates =
            [
                KeyLabel.Session3830(csId, csb, Rand("rand")), KeyLabel.Message3830(csb, Rand("rand")),
                KeyLabel.Message(csb, false, i, none), KeyLabel.Message(csb, true, i, none), KeyLabel.Message(csb, true, i, r),
                KeyLabel.Message(csb, false, none, r), KeyLabel.Message(csb, true, none, r), KeyLabel.Session(csId, i, none),
                KeyLabel.Session(csId, none, r), KeyLabel.Session(csId, i, r), KeyLabel.InitiatorProof(), KeyLabel.TicketProtection(Rand("rand")),
                KeyLabel.TicketMpk(Rand("rand")),
                KeyLabel.Fork(Identity.Uri(vector.TryGetProperty("id_data", out var id) ? id.GetString()! : ""), Rand("randrkms")),
            ];
            Assert.Contains(Octets.CopyOf(label.AsSpan(4)), candidates);
            Assert.Contains((KeyPurpose)BitConverter.ToUInt32(label[..4].Reverse().ToArray()), Enum.GetValues<KeyPurpose>());
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [Trait("RFC", "3830 §5.2")]
    public void The_messages_of_the_pre_shared_key_mode_have_right_MACs_and_give_their_keys(int index)
    {
        var v = Messages.GetProperty("rfc3830_psk")[index];
        using var psk = Secret(v, "psk");
        Assert.True(MikeyReader.TryRead(Hex(v, "I_MESSAGE"), out var init, out _));
        Assert.True(MikeyReader.TryRead(Hex(v, "R_MESSAGE"), out var response, out _));
        var suite = MikeySuite.Of(init!.Header.Prf)!;
        using var keys = MessageKeys.Derive(suite, psk, KeyLabel.Message3830(init.CsbId, Octets.CopyOf(Hex(v, "rand"))));
        Assert.True(MikeyMac.IsRight(init, keys));
        var (i, r) = (v.GetProperty("identity_i").GetString()!, v.GetProperty("identity_r").GetString()!);
        Assert.True(MikeyMac.IsRight(response!, keys, Identity.Uri(i).Name, Identity.Uri(r).Name, Octets.CopyOf(Hex(v, "timestamp"))));
        Assert.Equal(Hex(v, "iv"), KeyTransport.Iv(keys, init.CsbId, init.First<Timestamp>()!.Time));
        Assert.True(KeyTransport.TryOpen((Kemac)init.Last!, keys, init.CsbId, init.First<Timestamp>()!.Time, out var transported));
        using var chain = TransportedKey.WriteChain(transported);
        Assert.Equal(Hex(v, "key_data_plain"), chain.Reveal().ToArray());
        foreach (var tek in v.GetProperty("teks").EnumerateArray())
        {
            using var derived = MessageKeys.Derive(
                suite.Prf, transported[0].Key, KeyPurpose.Tek,
                KeyLabel.Session3830(tek.GetProperty("cs_id").GetByte(), init.CsbId, Octets.CopyOf(Hex(v, "rand"))), suite.KeyLength);
            Assert.Equal(Hex(tek, "tek"), derived.Reveal().ToArray());
        }

        // Made again from its parts: the same octets.
        var kemac = KeyTransport.Seal(keys, init.CsbId, init.First<Timestamp>()!.Time, transported[0]);
        Assert.Equal(MikeyWriter.Write(init), MikeyWriter.Write(MikeyMac.SealKemac(init.WithLast(kemac), keys)));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [Trait("RFC", "6043 §A.1")]
    [Trait("RFC", "6043 §A.2.1")]
    [Trait("RFC", "6043 §A.2.2")]
    public void A_base_ticket_opens_and_is_made_again_octet_by_octet(int index)
    {
        var v = Messages.GetProperty("mikey_ticket")[index];
        Assert.True(MikeyReader.TryRead(MikeyTexts.Message(v, "TRANSFER_INIT"), out var init, out _));
        var ticket = init!.First<Ticket>()!;
        using var tpk = Secret(v, "tpk");
        Assert.True(BaseTicket.TryOpen(ticket, tpk, out var keys));
        Assert.Equal(Hex(v, "mpk"), keys!.Mpk.Key.Reveal().ToArray());
        Assert.Equal(Hex(v, "tgk_or_gtgk"), keys.Keys[0].Key.Reveal().ToArray());
        Assert.Equal((KeyType)v.GetProperty("key_type").GetByte(), keys.Keys[0].Type);
        using var mpki = keys.Derived(ticket.Policy.Prf, KeyPurpose.InitiatorMpk);
        using var mpkr = keys.Derived(ticket.Policy.Prf, KeyPurpose.ResponderMpk);
        Assert.Equal(Hex(v.GetProperty("derived"), "MPKi"), mpki.Key.Reveal().ToArray());
        Assert.Equal(Hex(v.GetProperty("derived"), "MPKr"), mpkr.Key.Reveal().ToArray());

        var rand = Octets.CopyOf(Hex(v.GetProperty("randoms"), "ticket_RAND"));
        var again = BaseTicket.Create(ticket.Policy, tpk, BaseTicket.TpkName(ticket), new MikeyTime(TimestampType.NtpUtc, 0xE800000102000000), rand, keys);
        Assert.Equal(ticket.Contents, again.Contents);
        using var wrong = SecretBytes.Create(tpk.Length, s => s.Fill(1));
        Assert.False(BaseTicket.TryOpen(ticket, wrong, out _));
        for (var at = 0; at < ticket.Contents.Length; at++)
        {
            var bent = ticket.Contents.Span.ToArray();
            bent[at] ^= 0x10;
            Assert.False(BaseTicket.TryOpen(ticket with { Contents = Octets.CopyOf(bent) }, tpk, out _), $"octet {at}");
        }
    }

    internal static byte[] Hex(JsonElement element, string name) => VectorFile.Hex(element.GetProperty(name).GetString()!);

    internal static SecretBytes Secret(JsonElement element, string name) => SecretBytes.CopyOf(Hex(element, name));
}
