using System.Collections.Immutable;
using System.Text;
using ConfCluster.Protocols.Focus;
using ConfCluster.Protocols.KeyManagement;
using ConfCluster.Protocols.Keys.Rekeying;
using ConfCluster.Protocols.Mikey;
using ConfCluster.Protocols.Mikey.Exchanges;
using ConfCluster.Protocols.Mikey.Payloads;
using ConfCluster.Protocols.Sdp;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Srtp;
using ConfCluster.Protocols.Tests.Mikey;
using Xunit;

namespace ConfCluster.Protocols.Tests.Focus;

/// <summary>A phone of another maker in a call with the focus: its keys have the names that the test wants, and it gets tickets when it likes.</summary>
internal sealed class ForeignPhone : IDisposable
{
    public const string Named = "|1073741825:4";

    private readonly List<IDisposable> _kept = [];
    private readonly ReplayCache _replays = new(100, TimeSpan.FromMinutes(1));
    private readonly HashSet<Octets> _mine = [];
    private MikeyOffer? _offer;
    private uint _sequence;

    public ForeignPhone() => Focus = new ParticipantScene(now: Kms.Now);

    public KmsScene Kms { get; } = new(MikeySuite.Aes128);

    public ParticipantScene Focus { get; }

    public KeyedLeg? Leg { get; private set; }

    public CryptoBundle Bundle => ((MikeyLeg)Leg!).Bundle;

    /// <summary>By the last SDP of the focus.</summary>
    public ImmutableArray<MasterKey> Heard { get; private set; } = [];

    /// <param name="mki">As it stands in an inline key: |VALUE:LENGTH.</param>
    /// <param name="from">Whose ticket it is.</param>
    public string WithTicket(int version = 1, byte key = 1, string mki = Named, Identity? from = null)
    {
        var policy = Kms.Policy(TicketFlags.Forking);
        var granted = Kms.Granted(
            policy with { Contents = new([.. policy.Contents.Where(c => c is not RoleIdentity { Role: IdentityRole.Responder }), new RoleIdentity(IdentityRole.Responder, KmsScene.Room)]) },
            from ?? KmsScene.Alice);
        _kept.Add(granted);
        using var said = Said(version, key, mki);
        (_offer, var wire) = MikeyOffer.Begin(said, granted, from ?? KmsScene.Alice, KmsScene.Room, 0x1234, Kms.Context);
        return Encoding.UTF8.GetString(SdpWriter.ToBytes(wire));
    }

    /// <summary>The same bundle, by a CSB update.</summary>
    public string WithUpdate(int version, byte key, string mki = Named)
    {
        using var said = Said(version, key, mki);
        (Leg, var wire) = (Leg! with { Ssrc = Ssrc }).Write(said, said.Media[0].Crypto[0].Keys[0].Mki, Kms.Context);
        return Encoding.UTF8.GetString(SdpWriter.ToBytes(wire));
    }

    /// <summary>Of its stream, as its updates name it.</summary>
    public uint Ssrc { get; set; } = 0x1234;

    public void Join(string mki = Named, GroupKey? key = null, LegKeying keying = LegKeying.Own)
    {
        Focus.Receive(ParticipantScene.Request("INVITE", sdp: WithTicket(mki: mki), extra: ParticipantScene.TakesUpdate));
        _sequence = 1;
        Resolve();
        Focus.Accept(key, keying);
        Focus.Open();
        if (Focus.Response.StatusCode != 200) return;
        ReadFirst(Focus.Response.Body);
        Focus.Ack();
    }

    public void Later(string method, string sdp) => Focus.Receive(ParticipantScene.Later(method, ++_sequence, sdp, extra: ParticipantScene.TakesUpdate));

    public void Ack() => Focus.Ack(_sequence, branch: $"z9hG4bKack{_sequence}");

    public void Resolve() => Focus.Do(TicketCall.Resolve(Focus.Only<ParticipantEffect.ResolveTicket>().Transfer, Kms, _replays, KmsScene.Room));

    /// <summary>The answer to the ticket that was sent last.</summary>
    public void ReadFirst(SipBody body)
    {
        using var wire = ParticipantScene.Description(body);
        Assert.Empty(wire.Media[0].Crypto);
        Assert.Equal(ExchangeError.None, _offer!.Read(wire, Kms.Context, out var leg, out var readable));
        Leg = leg;
        _kept.Add(leg!.Secret);
        Hear(readable!);
    }

    /// <summary>An update of the focus, and the answer to it.</summary>
    public string Answer(SipBody body, int version)
    {
        using var wire = ParticipantScene.Description(body);
        Assert.Equal(ExchangeError.None, Leg!.Read(wire, Heard, Kms.Context, out var leg, out var readable));
        Hear(readable!);
        using var said = Said(version, 1, Named);
        (Leg, var answer) = leg.Write(said, said.Media[0].Crypto[0].Keys[0].Mki, Kms.Context);
        return Encoding.UTF8.GetString(SdpWriter.ToBytes(answer));
    }

    /// <summary>Keys of the two sides by their names: none twice.</summary>
    public void NamesAreUnique() => Assert.All(Heard, k => Assert.DoesNotContain(MikeyKeys.Spi(k.Mki), _mine));

    public void Dispose()
    {
        foreach (var kept in _kept) kept.Dispose();
    }

    private void Hear(SessionDescription readable)
    {
        _kept.Add(readable);
        Heard = readable.Media[0].Crypto[0].Keys;
    }

    private SessionDescription Said(int version, byte key, string mki)
    {
        var said = ParticipantScene.Description(new SipBody(Encoding.UTF8.GetBytes(ParticipantScene.Offer(version, key, mki: mki))));
        _mine.Add(MikeyKeys.Spi(said.Media[0].Crypto[0].Keys[0].Mki));
        return said;
    }
}
