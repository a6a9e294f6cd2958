using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Focus;
using ConfCluster.Protocols.KeyManagement;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Keys.Rekeying;
using ConfCluster.Protocols.Mikey;
using ConfCluster.Protocols.Mikey.Exchanges;
using ConfCluster.Protocols.Phone;
using ConfCluster.Protocols.Rtp;
using ConfCluster.Protocols.Sdp;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Parsing;
using ConfCluster.Protocols.Sip.Transactions;
using ConfCluster.Protocols.Srtp;
using ConfCluster.Protocols.Wire;

namespace ConfCluster.Benchmarks;

/// <summary>
/// One change of the group key at one leg, step by step and without actors, transactions and sockets: what its participant does, what reading and writing the SIP
/// messages costs, and what the phone does. With a=crypto, with a ticket and under a pre-shared key.
/// </summary>
internal sealed class LegRekeyBenchmark : IDisposable
{
    private const int Warm = 3000;
    private const int Counted = 10_000;
    private static readonly SipFlow Flow = new(SipTransport.Udp, IPEndPoint.Parse("127.0.0.1:5060"), IPEndPoint.Parse("127.0.0.1:5080"));
    private static readonly ParticipantId Id = new("0123456789abcdef0123456789abcdef");
    private static readonly ConferenceId Room = new("room");
    private static readonly MixerId Mixer = new(Room, 0, 1);
    private readonly MikeyBenchmark.Scene _kms = new(null, certified: false);
    private readonly SecretBytes _psk = SecretBytes.Create(32, RandomNumberGenerator.Fill);
    private readonly List<IDisposable> _kept = [];
    private readonly PhoneCall _phone;
    private readonly long[] _spent = new long[5];
    private readonly long[] _octets = new long[2];
    private ParticipantState _state = ParticipantState.Initial;
    private IReadOnlyList<ParticipantEffect> _effects = [];
    private ulong _branch;

    private LegRekeyBenchmark(string keying)
    {
        var settings = PhoneSettings.Default with { Identity = SipUri.Sip("alice", "example.com"), Suites = [SrtpProfile.AesCm128HmacSha1Tag80], UseMki = true, TakesUpdate = true };
        if (keying == "ticket")
        {
            var granted = _kms.Granted(MikeyTickets.ForCall(SrtpProfile.AesCm128HmacSha1Tag80, MikeyBenchmark.Alice, MikeyBenchmark.Room));
            _kept.Add(granted);
            settings = settings with { Ticket = new PhoneTicket(granted, MikeyBenchmark.Alice, MikeyBenchmark.Room, () => DateTimeOffset.UtcNow) };
        }
        else if (keying == "pre-shared key")
        {
            settings = settings with { PreShared = new PhonePreShared(_psk, MikeyBenchmark.Alice, MikeyBenchmark.Room, () => DateTimeOffset.UtcNow) };
        }

        var port = MediaAddress.From(IPAddress.Loopback, 4000);
        _phone = new PhoneCall(settings, new SipFlow(SipTransport.Udp, Flow.Remote, Flow.Local), port, port, RandomNumberGenerator.Fill) { Ssrc = 0x1234 };
    }

    private static ParticipantContext Context => new(
        Id, new FocusSettings(SipTimings.Default, null, "benchmark", MediaCapabilities.Default) { TakesTickets = true, TakesPreShared = true }, RandomNumberGenerator.Fill)
    {
        Now = DateTimeOffset.UtcNow,
    };

    public static void Run(TextWriter output)
    {
        output.WriteLine("| keys | participant makes the offer | written | phone takes it and answers | answer read | participant takes that | node, all | UPDATE, answer |");
        output.WriteLine("|---|---|---|---|---|---|---|---|");

        // Twice, since the first one compiles what all share.
        foreach (var keying in new[] { "a=crypto", "ticket", "pre-shared key", "a=crypto", "ticket", "pre-shared key" })
        {
            using var leg = new LegRekeyBenchmark(keying);
            leg.Join();
            leg.Change(output, keying);
        }
    }

    public void Dispose()
    {
        _state.Destroy();
        _phone.Dispose();
        foreach (var kept in _kept) kept.Dispose();
        _psk.Dispose();
        _kms.Dispose();
    }

    private void Join()
    {
        Do(new ParticipantInput.Recovered([]));
        var invite = (SipRequest)Read(Write(Sent(_phone.Dial(SipUri.Sip("room", "example.com")))));
        Do(new ParticipantInput.RequestArrived(TransactionKey.OfReceived(invite), invite, Flow));
        if (_effects.OfType<ParticipantEffect.ResolveTicket>().SingleOrDefault() is { } resolve) Resolve(resolve.Transfer);
        if (_effects.OfType<ParticipantEffect.CheckPreShared>().SingleOrDefault() is { } check)
        {
            var error = check.Offer.Verify(_psk, new ReplayCache(9, TimeSpan.FromMinutes(1)), Exchange, out var opening);
            Do(new ParticipantInput.PreSharedChecked(opening, error));
        }

        Do(new ParticipantInput.JoinAccepted(Room, Mixer, new Ssrc(7)) { Key = Group(1), Keying = LegKeying.GroupByMki });
        Do(new ParticipantInput.LegOpened(Mixer, MediaAddress.From(IPAddress.Loopback, 40000), MediaAddress.From(IPAddress.Loopback, 40001)));
        var answer = _effects.OfType<ParticipantEffect.Respond>().Single().Response;
        Do(new ParticipantInput.AckArrived((SipRequest)Read(Write(Sent(_phone.Receive(Write(answer), Flow))))));
    }

    private void Resolve(TransferArrival transfer)
    {
        using var granted = _kms.Resolved(transfer.Ticket);
        var error = transfer.Verify(granted, new ReplayCache(9, TimeSpan.FromMinutes(1)), Exchange, out var verified);
        Do(new ParticipantInput.TicketResolved(verified, error, IsUnreachable: false));
    }

    private void Change(TextWriter output, string keying)
    {
        for (uint epoch = 2; epoch < Warm + Counted; epoch++)
        {
            if (epoch == Warm)
            {
                Array.Clear(_spent);
                Array.Clear(_octets);
            }

            var key = Group(epoch);
            var at = Stopwatch.GetTimestamp();
            Do(new ParticipantInput.KeyOffered(Room, key, epoch == 2 ? null : new KeyEpoch(epoch - 1)));
            at = Count(0, at);
            var sent = Write(WithVia(_effects.OfType<ParticipantEffect.SendRequest>().Single().Request));
            at = Count(1, at);
            var effects = _phone.Receive(sent, Flow);
            var answer = Write(Sent(effects));
            at = Count(2, at);
            var response = (SipResponse)Read(answer);
            at = Count(3, at);
            Do(new ParticipantInput.ResponseArrived(response));
            Count(4, at);
            if (_effects.OfType<ParticipantEffect.ReportKey>().Single().Answer != LegKeyAnswer.Took) throw new InvalidOperationException($"the phone did not take key {epoch}: {response.StatusCode} {response.Headers.First("Warning")} {string.Join(", ", _effects)}");
            (_octets[0], _octets[1]) = (sent.Length, answer.Length);

            // Its transactions are over at once, or it would have no room for more.
            foreach (var start in effects.OfType<PhoneEffect.Start>()) _phone.Fired(start.Timer);
        }

        var each = _spent.Select(s => s * 1e6 / Stopwatch.Frequency / Counted).ToArray();
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"| {keying} | {string.Join(" | ", each.Select(e => e.ToString("F1", CultureInfo.InvariantCulture)))} | {each[0] + each[1] + each[3] + each[4]:F1} | {_octets[0]}, {_octets[1]} |"));
    }

    private long Count(int step, long since)
    {
        var now = Stopwatch.GetTimestamp();
        _spent[step] += now - since;
        return now;
    }

    private void Do(ParticipantInput input)
    {
        var step = ParticipantMachine.Next(_state, input, Context);
        (_state, _effects) = (step.State, step.Effects);
        foreach (var effect in _effects)
        {
            if (effect is ParticipantEffect.Destroy destroy) destroy.Secrets.Dispose();
            if (effect is ParticipantEffect.SetLegMedia set) set.Media.Dispose();
        }
    }

    private static ExchangeContext Exchange => new(DateTimeOffset.UtcNow, RandomNumberGenerator.Fill, TimeSpan.FromMinutes(1));

    private static GroupKey Group(uint epoch) => GroupKey.Generate(new KeyEpoch(epoch), MediaCapabilities.Default.Suites, RandomNumberGenerator.Fill);

    /// <summary>The endpoint adds it.</summary>
    private SipRequest WithVia(SipRequest request)
    {
        var via = SipHeaders.Empty.Append("Via", $"SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bK{++_branch:x16};rport");
        return request with { Headers = new SipHeaders([.. via.Fields, .. request.Headers.Fields]) };
    }

    private static SipMessage Sent(IEnumerable<PhoneEffect> effects)
    {
        SipMessage? message = null;
        foreach (var effect in effects)
        {
            if (effect is PhoneEffect.UseMedia used) used.Media.Dispose();
            if (effect is PhoneEffect.Send send) message = send.Message;
        }

        return message ?? throw new InvalidOperationException("the phone says nothing");
    }

    private static byte[] Write(SipMessage message) => SipWriter.ToBytes(message);

    private static SipMessage Read(byte[] octets) => SipReader.TryRead(octets, out var message, out _) ? message! : throw new InvalidDataException();
}
