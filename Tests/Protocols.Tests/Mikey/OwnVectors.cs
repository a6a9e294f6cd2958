using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Nodes;
using ConfCluster.Protocols.Mikey;
using ConfCluster.Protocols.Mikey.Exchanges;
using ConfCluster.Protocols.Mikey.Payloads;
using ConfCluster.Protocols.Wire;
using ConfCluster.Support;
using Xunit;

namespace ConfCluster.Protocols.Tests.Mikey;

/// <summary>
/// Our own messages with all their keys, one file per exchange, for whoever writes another implementation: Vectors/mikey-ours. They are made anew by
/// <c>CONFCLUSTER_WRITE_VECTORS=1 dotnet test Tests/Protocols.Tests --filter FullyQualifiedName~OwnVectors</c>; without it the files must be what we make, and
/// every MAC and key in them must follow from the keys beside it.
/// </summary>
public class OwnVectors
{
    private const string Folder = "mikey-ours";

    public static TheoryData<string> All => ["ticket-128", "ticket-256-forking", "ticket-128-responder-rand", "psk-128", "psk-256"];

    [Theory]
    [MemberData(nameof(All))]
    public void The_files_are_what_we_make(string name)
    {
        var made = name.StartsWith("psk", StringComparison.Ordinal) ? PreShared(name.EndsWith("256", StringComparison.Ordinal)) : Ticket(name);
        var text = made.ToJsonString(new JsonSerializerOptions { WriteIndented = true }) + "\n";
        if (Environment.GetEnvironmentVariable("CONFCLUSTER_WRITE_VECTORS") == "1") File.WriteAllText(SourceOf(name), text);
        else Assert.Equal(VectorFile.Text($"{Folder}/{name}.json").ReplaceLineEndings("\n"), text);
    }

    [Theory]
    [InlineData("ticket-128")]
    [InlineData("ticket-256-forking")]
    [InlineData("ticket-128-responder-rand")]
    [Trait("RFC", "6043 §5.5")]
    public void Every_MAC_in_a_file_follows_from_the_keys_in_it(string name)
    {
        var v = VectorFile.Json($"{Folder}/{name}.json");
        Octets Raw(string message) => Octets.CopyOf(MikeyCodecVectors.Hex(v.GetProperty("messages"), message));
        MikeyMessage Read(string message) => MikeyReader.TryRead(Raw(message).Span, out var m, out _) ? m! : throw new InvalidDataException(message);
        SecretBytes Key(string key) => MikeyCodecVectors.Secret(v.GetProperty("keys"), key);
        Octets Name(string who) => Identity.Uri(v.GetProperty(who).GetString()!).Name;
        var (i, r, kms) = (Name("initiator"), Name("responder"), Name("kms"));
        var suite = MikeySuite.Of(Read("REQUEST_INIT_PSK").Header.Prf)!;
        MessageKeys Of(string key, MikeyMessage m, bool isResponse, Octets initiator, Octets responder)
        {
            using var secret = Key(key);
            return MessageKeys.Derive(suite, secret, KeyLabel.Message(m.CsbId, isResponse, initiator, responder));
        }

        var request = Read("REQUEST_INIT_PSK");
        var rand = request.RandOf(RandRole.Initiator)!.Value;
        Assert.True(MikeyMac.IsRight(request, Of("psk_initiator", request, false, rand, Octets.Empty), i, kms));
        Assert.True(MikeyMac.IsRight(Read("REQUEST_RESP"), Of("psk_initiator", request, true, rand, Octets.Empty), Raw("REQUEST_INIT_PSK")));
        var resolve = Read("RESOLVE_INIT_PSK");
        rand = resolve.RandOf(RandRole.Responder)!.Value;
        Assert.True(MikeyMac.IsRight(resolve, Of("psk_responder", resolve, false, Octets.Empty, rand), r, kms));
        Assert.True(MikeyMac.IsRight(Read("RESOLVE_RESP"), Of("psk_responder", resolve, true, Octets.Empty, rand), Raw("RESOLVE_INIT_PSK")));
        var transfer = Read("TRANSFER_INIT");
        rand = transfer.RandOf(RandRole.Initiator)!.Value;
        Assert.True(MikeyMac.IsRight(transfer, Of("MPKi", transfer, false, rand, Octets.Empty), i, r));
        var forks = transfer.First<Ticket>()!.Policy.Has(TicketFlags.Forking);
        using var last = Of(forks ? "MPKr_forked" : "MPKi", transfer, true, rand, Read("TRANSFER_RESP").RandOf(RandRole.Responder) ?? Octets.Empty);
        Assert.True(MikeyMac.IsRight(Read("TRANSFER_RESP"), last, Raw("TRANSFER_INIT")));
        foreach (var by in new[] { "RESPONDER", "INITIATOR" })
        {
            Assert.True(MikeyMac.IsRight(Read($"CSB_UPDATE_BY_{by}_INIT"), last, i, r));
            Assert.True(MikeyMac.IsRight(Read($"CSB_UPDATE_BY_{by}_RESP"), last, Raw($"CSB_UPDATE_BY_{by}_INIT")));
        }

        using var tpk = Key("tpk");
        Assert.True(BaseTicket.TryOpen(transfer.First<Ticket>()!, tpk, out var opened));
        using var mpk = Key("mpk");
        Assert.True(opened!.Mpk.Key.FixedTimeEquals(mpk));
    }

    private static string SourceOf(string name)
    {
        var at = new DirectoryInfo(AppContext.BaseDirectory);
        while (at is not null && !File.Exists(Path.Combine(at.FullName, "ConfCluster.sln"))) at = at.Parent;
        return Path.Combine(at?.FullName ?? throw new DirectoryNotFoundException("no sources above the tests"), "Tests", "Protocols.Tests", "Vectors", Folder, $"{name}.json");
    }

    private static JsonObject Ticket(string name)
    {
        bool Is(string what) => name.Contains(what, StringComparison.Ordinal);
        var (is256, forks, rand) = (Is("256"), Is("forking"), Is("rand"));
        using var scene = new TransferScene(
            is256 ? MikeySuite.Aes256 : MikeySuite.Aes128, TransferScene.Mode.ThreeRoundTrips,
            (forks ? TicketFlags.Forking : 0) | (rand ? TicketFlags.ResponderRand : 0));
        var (messages, keys) = (new JsonObject(), new JsonObject());
        void Say(string message, Octets octets) => messages[message] = Convert.ToHexStringLower(octets.Span);
        void Tell(string key, SecretBytes secret) => keys[key] = Convert.ToHexStringLower(secret.Reveal());
        using var wish = scene.Kms.Wished(KeyType.TgkWithSalt, 7);
        var policy = scene.Kms.Policy(TicketFlags.None, wish) with { Flags = scene.Flags };

        var request = KmsClient.Request(policy, scene.Kms.Of(KmsScene.Alice), scene.Context);
        var answer = scene.Kms.Answer(KmsScene.Sent(request)).Response!.Value;
        using var granted = KmsScene.Keys(KmsClient.Next(request.State, answer, scene.Context));
        Say("REQUEST_INIT_PSK", KmsScene.Sent(request));
        Say("REQUEST_RESP", answer);
        scene.Kms.Now += TimeSpan.FromSeconds(1);
        var step = TicketTransfer.Begin(granted, KmsScene.Alice, KmsScene.Bob, scene.Offered(), scene.Context);
        Say("TRANSFER_INIT", TransferScene.Sent(step));
        Assert.Equal(ExchangeError.None, TransferArrival.TryRead(TransferScene.Sent(step), scene.Replays, scene.Context, out var arrival));
        var resolve = KmsClient.Resolve(arrival!.Ticket, scene.Kms.Of(KmsScene.Bob), scene.Context);
        answer = scene.Kms.Answer(KmsScene.Sent(resolve)).Response!.Value;
        Say("RESOLVE_INIT_PSK", KmsScene.Sent(resolve));
        Say("RESOLVE_RESP", answer);
        using var resolved = KmsScene.Keys(KmsClient.Next(resolve.State, answer, scene.Context));
        Assert.Equal(ExchangeError.None, arrival.Verify(resolved, scene.Replays, scene.Context, out var verified));
        scene.Kms.Now += TimeSpan.FromSeconds(1);
        using var tek = scene.Tek(1);
        var (state, response) = verified!.Answer(KmsScene.Bob, TransferScene.Answered(1, tek), scene.Context);
        Say("TRANSFER_RESP", response);
        var next = TicketTransfer.Next(step.State, response, scene.Context);
        var hers = next.Effects.OfType<TransferEffect.Agreed>().Single().Keys;
        var (alice, bob) = (new UpdateState(((TransferState.Done)next.State).Bundle), new UpdateState(state));
        (bob, alice) = Update(bob, alice, 2, "RESPONDER");
        (alice, bob) = Update(alice, bob, 3, "INITIATOR");

        Tell("psk_initiator", scene.Kms.Of(KmsScene.Alice).Psk!);
        Tell("psk_responder", scene.Kms.Of(KmsScene.Bob).Psk!);
        Tell("tpk", scene.Kms.TpkForNew.Tpk);
        Assert.True(BaseTicket.TryOpen(granted.Ticket, scene.Kms.TpkForNew.Tpk, out var opened));
        Tell("mpk", opened!.Mpk.Key);
        Tell("MPKi", granted.Mpki.Key);
        if (granted.Mpkr is { } mpkr) Tell("MPKr", mpkr.Key);
        if (resolved.Mpkr is { } forked) Tell("MPKr_forked", forked.Key);
        Tell("tgk_of_the_ticket", granted.Keys[0].Key);
        Tell("tgk_of_the_responder", hers[0].Key);
        foreach (var session in alice.Bundle.Sessions)
        {
            using var derived = alice.Bundle.Bundle.TrafficKey(session.CsId, hers[0], scene.Srtp);
            Tell($"tek_of_cs_{session.CsId}_from_tgk", derived!.Key);
        }

        foreach (var spi in new byte[] { 1, 2, 3 })
        {
            using var brought = scene.Tek(spi);
            Tell($"tek_under_spi_{spi}", brought.Key);
            Tell($"salt_under_spi_{spi}", brought.Salt!);
        }

        return new JsonObject
        {
            ["source"] = "made by this project; RFC 6043 with the choices of Protocols/DECISIONS.md 100 to 119",
            ["initiator"] = KmsScene.Alice.ToString(),
            ["responder"] = KmsScene.Bob.ToString(),
            ["kms"] = scene.Kms.Self.ToString(),
            ["keys"] = keys,
            ["messages"] = messages,
        };

        (UpdateState From, UpdateState To) Update(UpdateState from, UpdateState to, byte spi, string by)
        {
            scene.Kms.Now += TimeSpan.FromSeconds(1);
            using var fresh = scene.Tek(spi);
            var update = CsbUpdate.Begin(from, scene.Updating(spi, fresh), scene.Context);
            var taken = CsbUpdate.Next(to, TransferScene.Sent(update), scene.Context);
            var confirmed = CsbUpdate.Answer(taken.State, (UpdateEffect.Updated)taken.Effects[0], TransferScene.Answered(spi), scene.Context);
            Say($"CSB_UPDATE_BY_{by}_INIT", TransferScene.Sent(update));
            Say($"CSB_UPDATE_BY_{by}_RESP", TransferScene.Sent(confirmed));
            return (CsbUpdate.Next(update.State, TransferScene.Sent(confirmed), scene.Context).State, confirmed.State);
        }
    }

    private static JsonObject PreShared(bool is256)
    {
        var length = is256 ? 32 : 16;
        using var psk = SecretBytes.Create(length, s => s.Fill(3));
        using var key = new TransportedKey(
            KeyType.TgkWithSalt, SecretBytes.Create(length, s => s.Fill(0x41)), SecretBytes.Create(14, s => s.Fill(0x42)), new KeyValidity.Named(TransferScene.Spi(1)));
        var policy = is256 ? SrtpPolicy.AesCm256Tag80 : SrtpPolicy.AesCm128Tag80;
        var context = new ExchangeContext(new DateTimeOffset(2026, 11, 28, 12, 0, 0, TimeSpan.Zero), s => s.Fill(0x61), TimeSpan.FromMinutes(1));
        var terms = new PreSharedTerms(
            is256 ? MikeySuite.Aes256 : MikeySuite.Aes128, psk, KmsScene.Alice, KmsScene.Bob, new([new SrtpSession(0, 0x11, 0), new SrtpSession(0, 0, 0)]),
            new([policy.ToPayload(0)]), [key], new([GeneralExtension.SdpIds("mikey")]));
        var (state, sent) = PreSharedExchange.Begin(terms, wantsAnswer: true, context);
        var init = ((PreSharedState.Waiting)state).Init;
        var answer = PreSharedExchange.Verify(init, psk, new([new SrtpSession(0, 0x11, 0), new SrtpSession(0, 0x22, 0)]))!.Value;
        var keys = new JsonObject { ["psk"] = Convert.ToHexStringLower(psk.Reveal()), ["tgk"] = Convert.ToHexStringLower(key.Key.Reveal()), ["salt"] = Convert.ToHexStringLower(key.Salt!.Reveal()) };
        foreach (var cs in new byte[] { 1, 2 })
        {
            using var tek = PreSharedExchange.TrafficKey(init, cs, key, policy);
            keys[$"tek_of_cs_{cs}"] = Convert.ToHexStringLower(tek!.Key.Reveal());
        }

        return new JsonObject
        {
            ["source"] = "made by this project; RFC 3830 §3.1 with the choices of Protocols/DECISIONS.md 102",
            ["initiator"] = KmsScene.Alice.ToString(),
            ["responder"] = KmsScene.Bob.ToString(),
            ["keys"] = keys,
            ["messages"] = new JsonObject { ["I_MESSAGE"] = Convert.ToHexStringLower(sent.Span), ["R_MESSAGE"] = Convert.ToHexStringLower(answer.Span) },
        };
    }
}
