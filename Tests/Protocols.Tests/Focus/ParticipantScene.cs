using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Focus;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Keys.Rekeying;
using ConfCluster.Protocols.Mixing;
using ConfCluster.Protocols.Rtp;
using ConfCluster.Protocols.Sdp;
using ConfCluster.Protocols.Sip.Authentication;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Parsing;
using ConfCluster.Protocols.Sip.Sessions;
using ConfCluster.Protocols.Sip.Transactions;
using ConfCluster.Protocols.Srtp;
using ConfCluster.Protocols.Wire;
using Xunit;

namespace ConfCluster.Protocols.Tests.Focus;

/// <summary>A participant machine with a peer that dials it, on counted randomness; secrets are destroyed as the shell would.</summary>
internal sealed class ParticipantScene
{
    public static readonly ParticipantId Id = new("0123456789abcdef0123456789abcdef");
    public static readonly ConferenceId Room = new("room");
    public static readonly MixerId Mixer = new(Room, 0, 1);
    public static readonly MediaAddress Ports = MediaAddress.From(IPAddress.Loopback, 40000);
    public static readonly SipFlow Flow = new(
        SipTransport.Udp, new IPEndPoint(IPAddress.Loopback, 5060), new IPEndPoint(IPAddress.Loopback, 5080));

    private uint _draws;

    /// <param name="timer">Session timers that we ask for; null: none.</param>
    /// <param name="now">Tickets are taken, and this is the time; null: they are not.</param>
    public ParticipantScene(SessionTimerPolicy? timer = null, DateTimeOffset? now = null, TicketOffers tickets = TicketOffers.Never)
    {
        var settings = new FocusSettings(SipTimings.Default, null, "test", MediaCapabilities.Default)
        {
            SessionTimer = timer ?? SessionTimerPolicy.Passive,
            TakesTickets = now is not null,
            Tickets = tickets,
            Outbound = OutboundPolicy.Nobody with { Credentials = [new DigestAccount("proxy", "focus", SecretBytes.CopyOf("secret"u8))] },
        };
        Context = new ParticipantContext(Id, settings, Draw) { Now = now ?? DateTimeOffset.UnixEpoch };
        Do(new ParticipantInput.Recovered([]));
    }

    public ParticipantContext Context { get; set; }

    /// <summary>The journal stores at once, and says so; else <see cref="Stored"/> does.</summary>
    public bool StoresAtOnce { get; init; } = true;

    public ParticipantState State { get; private set; } = ParticipantState.Initial;

    /// <summary>Effects of the last input.</summary>
    public ImmutableArray<ParticipantEffect> Effects { get; private set; } = [];

    public List<ParticipantEffect> All { get; } = [];

    public void Do(ParticipantInput input)
    {
        Effects = Step(input);
        if (StoresAtOnce) Stored();
    }

    /// <summary>What was to be stored with the last input is.</summary>
    public void Stored()
    {
        foreach (var store in Effects.OfType<ParticipantEffect.Store>()) Effects = Effects.AddRange(Step(new ParticipantInput.FactStored(store.Fact)));
    }

    private ImmutableArray<ParticipantEffect> Step(ParticipantInput input)
    {
        var step = ParticipantMachine.Next(State, input, Context);
        State = step.State;
        All.AddRange(step.Effects);
        foreach (var destroy in step.Effects.OfType<ParticipantEffect.Destroy>()) destroy.Secrets.Dispose();
        return step.Effects;
    }

    /// <summary>On one node of several: what is settled is left at the mixer.</summary>
    public ParticipantScene InCluster()
    {
        Context = Context with { Settings = Context.Settings with { CallsOutliveNode = true } };
        return this;
    }

    /// <summary>Its next life on another node, which has read the facts and randomness of its own.</summary>
    /// <param name="seconds">So old is its INVITE; by default that is long over.</param>
    public ParticipantScene NextLife(byte life = 1, int seconds = 60)
    {
        byte draws = 0;
        var next = new ParticipantScene
        {
            Context = Context with { Random = s => SHA256.HashData([++draws, life, 99]).AsSpan(0, s.Length).CopyTo(s) },
        };
        var facts = All.OfType<ParticipantEffect.Store>().ToList();
        next.Do(new ParticipantInput.Recovered([.. facts.Select(s => Aged(s.Fact, seconds, Context.Now))]));
        next.All.AddRange(facts);
        return next;
    }

    /// <summary>As it was stored so many seconds ago.</summary>
    public static DialogFact Aged(DialogFact fact, int seconds, DateTimeOffset now) => fact is DialogFact.DialogConfirmed { Invite: { } invite } confirmed
        ? confirmed with { Invite = invite with { At = now.AddSeconds(-seconds) } }
        : fact;

    public void Move(MixerId mixer, bool mayOffer = false) => Do(new ParticipantInput.MoveRequested(Room, mixer, new Incarnation(1), mayOffer));

    public T Only<T>() where T : ParticipantEffect => Assert.Single(Effects.OfType<T>());

    public SipResponse Response => Only<ParticipantEffect.Respond>().Response;

    public void None<T>() where T : ParticipantEffect => Assert.Empty(Effects.OfType<T>());

    public void Receive(SipRequest request, SipFlow? flow = null) =>
        Do(new ParticipantInput.RequestArrived(TransactionKey.OfReceived(request), request, flow ?? Flow));

    public void Ack(uint cseq = 1, string sdp = "", string branch = "z9hG4bKack") =>
        Do(new ParticipantInput.AckArrived(Request("ACK", branch, cseq, Id.Value, sdp)));

    public void Fire(ParticipantTimer timer) => Do(new ParticipantInput.Fired(timer));

    public void Accept(GroupKey? key = null, LegKeying keying = LegKeying.Own) =>
        Do(new ParticipantInput.JoinAccepted(Room, Mixer, new Ssrc(7)) { Key = key, Keying = keying });

    public GroupKey OfferKey(uint epoch, uint? inUse)
    {
        var key = Group(epoch);
        Do(new ParticipantInput.KeyOffered(Room, key, inUse is { } number ? new KeyEpoch(number) : null));
        return key;
    }

    /// <summary>With keys of epochs to come, and the newest that it took.</summary>
    public GroupKey OfferKey(uint epoch, uint? inUse, uint? taken, params uint[] rungs)
    {
        var key = Ladder(epoch, rungs);
        Do(new ParticipantInput.KeyOffered(Room, key, inUse is { } number ? new KeyEpoch(number) : null) { Taken = taken is { } took ? new KeyEpoch(took) : null });
        return key;
    }

    public static GroupKey Ladder(uint epoch, params uint[] rungs)
    {
        using var key = Group(epoch);
        var above = rungs.Select(Group).ToList();
        var told = key.CopyWith(above);
        foreach (var rung in above) rung.Dispose();
        return told;
    }

    /// <summary>A member of the group since epoch 1, under which media to it is.</summary>
    public static ParticipantScene Grouped(string extra = TakesUpdate, string mki = "|1:4", SessionTimerPolicy? timer = null)
    {
        var scene = new ParticipantScene(timer);
        scene.Receive(Request("INVITE", sdp: Offer(mki: mki), extra: extra));
        scene.Accept(Group(1));
        scene.Open();
        scene.Ack();
        return scene;
    }

    public const string TakesUpdate = "Allow: INVITE, ACK, BYE, UPDATE\r\n";

    /// <summary>The same for the same epoch.</summary>
    public static GroupKey Group(uint epoch)
    {
        var draws = 0;
        return GroupKey.Generate(
            new KeyEpoch(epoch), MediaCapabilities.Default.Suites,
            s => SHA256.HashData([(byte)epoch, (byte)++draws, 77]).AsSpan(0, s.Length).CopyTo(s));
    }

    public void Open() => Do(new ParticipantInput.LegOpened(Mixer, Ports, Ports.WithPort(40001)));

    /// <summary>A whole set-up; <paramref name="extra"/> are header lines of the INVITE.</summary>
    public static ParticipantScene Confirmed(SessionTimerPolicy timer, string extra, string? sdp = null)
    {
        var scene = new ParticipantScene(timer);
        scene.Receive(Request("INVITE", sdp: sdp ?? Offer(), extra: extra));
        scene.Accept();
        scene.Open();
        scene.Ack(1);
        return scene;
    }

    /// <summary>The peer answers a request of ours.</summary>
    public void Reply(SipRequest request, int status, string sdp = "", params (string Name, string Value)[] extra)
    {
        var response = request.CreateResponse(status);
        var headers = extra.Aggregate(response.Headers, (h, e) => h.Append(e.Name, e.Value));
        if (sdp.Length > 0) headers = headers.Append("Content-Type", "application/sdp");
        Do(new ParticipantInput.ResponseArrived(
            response with { Headers = headers, Body = new SipBody(Encoding.UTF8.GetBytes(sdp)) }));
    }

    public static ParticipantScene Joining(string? sdp = null)
    {
        var scene = new ParticipantScene();
        scene.Receive(Request("INVITE", sdp: sdp ?? Offer()));
        return scene;
    }

    public static ParticipantScene Opening(string? sdp = null)
    {
        var scene = Joining(sdp);
        scene.Accept();
        return scene;
    }

    public static ParticipantScene Answered(string? sdp = null)
    {
        var scene = Opening(sdp);
        scene.Open();
        return scene;
    }

    public static ParticipantScene Confirmed(string? sdp = null)
    {
        var scene = Answered(sdp);
        scene.Ack();
        return scene;
    }

    public static SipRequest Request(
        string method, string branch = "z9hG4bK1", uint cseq = 1, string toTag = "", string sdp = "", string uri = "sip:room@127.0.0.1",
        string extra = "", string contact = "<sip:alice@127.0.0.1:5080>", string type = "application/sdp", string fromTag = "alice") =>
        Read($"{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5080;branch={branch};rport=5080;received=127.0.0.1\r\n" +
            $"Max-Forwards: 70\r\nFrom: \"Alice\" <sip:alice@example.com>;tag={fromTag}\r\n" +
            $"To: <sip:room@127.0.0.1>{(toTag.Length > 0 ? $";tag={toTag}" : "")}\r\n" +
            $"Call-ID: call-1\r\nCSeq: {cseq} {method}\r\n{(contact.Length > 0 ? $"Contact: {contact}\r\n" : "")}{extra}" +
            $"{(sdp.Length > 0 && type.Length > 0 ? $"Content-Type: {type}\r\n" : "")}" +
            $"Content-Length: {Encoding.UTF8.GetByteCount(sdp)}\r\n\r\n{sdp}");

    /// <summary>In the dialog.</summary>
    public static SipRequest Later(
        string method, uint cseq, string sdp = "", string contact = "<sip:alice@127.0.0.1:5080>", string extra = "") =>
        Request(method, $"z9hG4bK{method}{cseq}", cseq, Id.Value, sdp, contact: contact, extra: extra);

    public static string Offer(
        int version = 1, byte key = 1, string direction = "sendrecv", string address = "127.0.0.1", int port = 50000,
        string formats = "0 8", string suite = "AES_CM_128_HMAC_SHA1_80", string protocol = "RTP/SAVP", string tag = "1", string mki = "") =>
        $"v=0\r\no=alice 1 {version} IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 {address}\r\nt=0 0\r\nm=audio {port} {protocol} {formats}\r\n" +
        (suite.Length > 0 ? $"a=crypto:{tag} {suite} inline:{Key(key)}{mki}\r\n" : "") + $"a={direction}\r\n";

    /// <summary>A key that is not random, so that two calls give the same.</summary>
    public static string Key(byte seed) => Convert.ToBase64String(SHA256.HashData([seed])[..30]);

    public static SessionDescription Description(SipBody body)
    {
        Assert.True(SdpReader.TryRead(body.Span, out var session, out var error), error.ToString());
        return session!;
    }

    public static byte[] UplinkOf(LegMedia media) => media.Uplink[0].KeyAndSalt.Reveal().ToArray();

    private static SipRequest Read(string text)
    {
        Assert.True(SipReader.TryRead(Encoding.UTF8.GetBytes(text), out var message, out var error), error.Detail);
        return (SipRequest)message!;
    }

    private void Draw(Span<byte> destination)
    {
        Span<byte> count = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(count, ++_draws);
        var octets = SHA256.HashData(count);
        octets.AsSpan(0, destination.Length).CopyTo(destination);
    }
}
