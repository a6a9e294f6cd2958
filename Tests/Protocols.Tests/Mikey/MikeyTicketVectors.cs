using System.Text.Json;
using ConfCluster.Protocols.Mikey;
using ConfCluster.Protocols.Mikey.Exchanges;
using ConfCluster.Protocols.Mikey.Payloads;
using ConfCluster.Protocols.Wire;
using ConfCluster.Support;
using Xunit;

namespace ConfCluster.Protocols.Tests.Mikey;

/// <summary>All MACs, KEMACs and derived keys of the three computed scenarios of RFC 6043.</summary>
public class MikeyTicketVectors
{
    private static readonly JsonElement Scenarios = VectorFile.Json("mikey/mikey_messages_computed.json").GetProperty("mikey_ticket");

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [Trait("RFC", "6043 §5.5")]
    [Trait("RFC", "6043 §5.2")]
    public void Every_message_has_the_MAC_and_the_keys_that_we_compute(int index)
    {
        var v = Scenarios[index];
        MikeyMessage Read(string name) => MikeyReader.TryRead(MikeyTexts.Message(v, name), out var m, out _) ? m! : throw new InvalidDataException(name);
        Octets Raw(string name) => Octets.CopyOf(MikeyTexts.Message(v, name));
        Octets Name(string who) => Identity.Uri(v.GetProperty(who).GetString()!).Name;
        var (i, r, kms) = (Name("initiator"), Name("responder"), Name("kms"));
        using var iPsk = MikeyCodecVectors.Secret(v, "psk_initiator");
        using var rPsk = MikeyCodecVectors.Secret(v, "psk_responder");

        var init = Read("REQUEST_INIT_PSK");
        var suite = MikeySuite.Of(init.Header.Prf)!;
        var rand = init.RandOf(RandRole.Initiator)!.Value;
        using var requestInit = MessageKeys.Derive(suite, iPsk, KeyLabel.Message(init.CsbId, false, rand, Octets.Empty));
        using var requestResponse = MessageKeys.Derive(suite, iPsk, KeyLabel.Message(init.CsbId, true, rand, Octets.Empty));
        Same(v, "request_init_keys", requestInit);
        Same(v, "request_resp_keys", requestResponse);
        var response = Read("REQUEST_RESP");
        Assert.True(MikeyMac.IsRight(init, requestInit, i, kms));
        Assert.True(MikeyMac.IsRight(response, requestResponse, Raw("REQUEST_INIT_PSK")));
        Assert.True(KeyTransport.TryOpen(response.First<Kemac>()!, requestResponse, response.CsbId, response.First<Timestamp>()!.Time, out var mine));
        using var granted = GrantedKeys.Of(response.First<Ticket>()!, mine, null)!;
        Key(v, "MPKi", granted.Mpki.Key);

        var resolve = Read("RESOLVE_INIT_PSK");
        var resolveRand = resolve.RandOf(RandRole.Responder)!.Value;
        using var resolveInit = MessageKeys.Derive(suite, rPsk, KeyLabel.Message(resolve.CsbId, false, Octets.Empty, resolveRand));
        using var resolveResponse = MessageKeys.Derive(suite, rPsk, KeyLabel.Message(resolve.CsbId, true, Octets.Empty, resolveRand));
        Same(v, "resolve_init_keys", resolveInit);
        Same(v, "resolve_resp_keys", resolveResponse);
        var resolved = Read("RESOLVE_RESP");
        Assert.True(MikeyMac.IsRight(resolve, resolveInit, r, kms));
        Assert.True(MikeyMac.IsRight(resolved, resolveResponse, Raw("RESOLVE_INIT_PSK")));
        Assert.True(KeyTransport.TryOpen(resolved.First<Kemac>()!, resolveResponse, resolved.CsbId, resolved.First<Timestamp>()!.Time, out var keys));
        using var his = GrantedKeys.Of(resolve.First<Ticket>()!, keys, (resolved.IdentityOf(IdentityRole.Responder), resolved.RandOf(RandRole.Kms)))!;
        if (his.Mpkr is { } forked) Key(v, "MPKr_forked", forked.Key);
        Key(v, "tgk_used", his.Keys[0].Key);
        using var tpk = MikeyCodecVectors.Secret(v, "tpk");
        Assert.True(BaseTicket.TryOpen(resolve.First<Ticket>()!, tpk, out var opened));
        if (his.Mpkr is not null) Assert.True(InitiatorProofs.IsRight(resolve.First<Ticket>()!, opened!));

        var transfer = Read("TRANSFER_INIT");
        var answer = Read("TRANSFER_RESP");
        var transferRand = transfer.RandOf(RandRole.Initiator)!.Value;
        var answerRand = answer.RandOf(RandRole.Responder) ?? Octets.Empty;
        using var transferInit = MessageKeys.Derive(suite, his.Mpki.Key, KeyLabel.Message(transfer.CsbId, false, transferRand, Octets.Empty));
        using var last = MessageKeys.Derive(suite, (his.Mpkr ?? his.Mpki).Key, KeyLabel.Message(transfer.CsbId, true, transferRand, answerRand));
        Same(v, "transfer_init_keys", transferInit);
        Same(v, "transfer_resp_and_csb_update_keys", last);
        Assert.True(MikeyMac.IsRight(transfer, transferInit, i, r));
        Assert.True(MikeyMac.IsRight(answer, last, Raw("TRANSFER_INIT")));
        if (his.Mpkr is not null)
        {
            Assert.True(InitiatorProofs.Names(transfer.First<Ticket>()!, (Verification)transfer.Last!));
            Assert.Equal(transfer.First<Ticket>()!.Proof, InitiatorProofs.Make((Verification)transfer.Last!, suite.Prf, granted.Mpkr!.Key));
        }

        foreach (var session in v.GetProperty("session_keys_after_transfer").EnumerateArray())
        {
            using var tek = MessageKeys.Derive(
                suite.Prf, his.Keys[0].Key, KeyPurpose.Tek, KeyLabel.Session(session.GetProperty("cs_id").GetByte(), transferRand, answerRand), suite.KeyLength);
            Assert.Equal(MikeyCodecVectors.Hex(session, "tek"), tek.Reveal().ToArray());
        }

        // RFC 6043 §5.2: both messages of an update under the keys of the last message before, identities in the order of the CSB's roles.
        var update = Read("CSB_UPDATE TRANSFER_INIT");
        Assert.True(MikeyMac.IsRight(update, last, i, r));
        Assert.True(MikeyMac.IsRight(Read("CSB_UPDATE TRANSFER_RESP"), last, Raw("CSB_UPDATE TRANSFER_INIT")));
        Assert.True(KeyTransport.TryOpen(update.First<Kemac>()!, last, update.CsbId, update.First<Timestamp>()!.Time, out var brought));
        Assert.Equal(Octets.CopyOf([0, 0, 0, 2]), Assert.Single(brought).Spi);
    }

    private static void Same(JsonElement scenario, string name, MessageKeys keys)
    {
        var expected = scenario.GetProperty("derived").GetProperty(name);
        Assert.Equal(MikeyCodecVectors.Hex(expected, "encr_key"), keys.Encryption.Reveal().ToArray());
        Assert.Equal(MikeyCodecVectors.Hex(expected, "auth_key"), keys.Authentication.Reveal().ToArray());
        Assert.Equal(MikeyCodecVectors.Hex(expected, "salt_key"), keys.Salt.Reveal().ToArray());
    }

    private static void Key(JsonElement scenario, string name, SecretBytes key) =>
        Assert.Equal(MikeyCodecVectors.Hex(scenario.GetProperty("derived"), name), key.Reveal().ToArray());
}
