using System.Collections.Immutable;
using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using ConfCluster.Protocols.KeyManagement;
using ConfCluster.Protocols.Mikey;
using ConfCluster.Protocols.Mikey.Certificates;
using ConfCluster.Protocols.Mikey.Exchanges;
using ConfCluster.Protocols.Mikey.Kms;
using ConfCluster.Protocols.Mikey.Payloads;
using ConfCluster.Protocols.Srtp;
using ConfCluster.Protocols.Wire;

namespace ConfCluster.Benchmarks;

/// <summary>
/// What a KMS and its users spend on one message, on one core, without HTTP: requests and resolves with keys and with certificates, a transfer, and a CSB
/// update as the focus sends one to each leg.
/// </summary>
internal static class MikeyBenchmark
{
    private static readonly Identity Kms = Identity.Uri("sip:kms@example.com");
    internal static readonly Identity Alice = Identity.Uri("sip:alice@example.com");
    internal static readonly Identity Room = Identity.Uri("sip:room@example.com");
    private static readonly TimeSpan Time = TimeSpan.FromSeconds(2);

    private static ExchangeContext Now => new(DateTimeOffset.UtcNow, RandomNumberGenerator.Fill, TimeSpan.FromMinutes(1));

    public static void Run(TextWriter output)
    {
        output.WriteLine("| suite | who proves | step | per second | microseconds | octets |");
        output.WriteLine("|---|---|---|---|---|---|");
        using var authority = new Root();
        foreach (var profile in new[] { SrtpProfile.AesCm128HmacSha1Tag80, SrtpProfile.All.First(p => MikeyKeys.PolicyOf(p) is not null && p.KeyLength == 32) })
        {
            foreach (var certified in new[] { false, true }) KmsOf(output, profile, certified, authority);
            TransferOf(output, profile, authority);
        }
    }

    private static void KmsOf(TextWriter output, SrtpProfile profile, bool certified, Root authority)
    {
        using var scene = new Scene(authority, certified);
        var wanted = MikeyTickets.ForCall(profile, Alice, Room);
        var (name, proof) = ($"AES-{8 * profile.KeyLength}", certified ? "RSA 2048" : "PSK");
        Octets Ask() => Drop(KmsClient.Request(wanted, scene.Of(Alice), Now));
        Report(output, name, proof, "user makes a request", Ask().Length, () => Ask());
        var asked = Enumerable.Range(0, certified ? 600 : 4000).Select(_ => Ask()).ToArray();
        Each(output, name, proof, "KMS grants a ticket", asked, scene.Answer);
        using var granted = scene.Granted(wanted);
        var ticket = Transferred(granted, profile).Ticket;
        var resolving = Enumerable.Range(0, certified ? 600 : 4000).Select(_ => Drop(KmsClient.Resolve(ticket, scene.Of(Room), Now))).ToArray();
        Each(output, name, proof, "KMS resolves a ticket", resolving, scene.Answer);
    }

    private static void TransferOf(TextWriter output, SrtpProfile profile, Root authority)
    {
        using var scene = new Scene(authority, false);
        using var granted = scene.Granted(MikeyTickets.ForCall(profile, Alice, Room));
        var name = $"AES-{8 * profile.KeyLength}";
        var (state, sent, _) = Begin(granted, profile);
        Report(output, name, "ticket", "Initiator makes TRANSFER_INIT", sent.Length, () => ((TransferState.Waiting)Begin(granted, profile).State).Dispose());
        TransferArrival.TryRead(sent, null, Now, out var arrival);
        using var resolved = scene.Resolved(arrival!.Ticket);
        Report(output, name, "ticket", "Responder takes it and answers", 0, () => Answer(sent, resolved, profile).State.Bundle.Dispose());
        var (bundle, response) = Answer(sent, resolved, profile);
        Report(output, name, "ticket", "Initiator takes the answer", response.Length, () =>
        {
            var next = TicketTransfer.Next(state, response, Now);
            Drop(next.Effects.OfType<TransferEffect.Agreed>().Single().Keys);
            ((TransferState.Done)next.State).Bundle.Bundle.Dispose();
        });
        using var tek = Tek(profile, 9);
        var terms = new SessionTerms(bundle.Sessions, default, [tek]);
        var update = new UpdateState(bundle);
        var length = ((UpdateEffect.Send)CsbUpdate.Begin(update, terms, Now).Effects[0]).Message.Length;
        Report(output, name, "ticket", "focus makes a CSB update for a leg", length, () => update = CsbUpdate.Begin(update, terms, Now).State);
        bundle.Bundle.Dispose();
        ((TransferState.Waiting)state).Dispose();
    }

    private static (TransferState State, Octets Sent, Ticket Ticket) Begin(GrantedKeys granted, SrtpProfile profile)
    {
        using var tek = Tek(profile, 1);
        var terms = new SessionTerms(
            new([GenericSession.ForSrtp(1, Octets.CopyOf([0]), new SrtpPosition(1), tek.Spi), GenericSession.ForSrtp(2, Octets.CopyOf([0]), null, Octets.Empty)]),
            new([MikeyKeys.PolicyOf(profile)!.ToPayload(0)]), [tek]);
        var step = TicketTransfer.Begin(granted, Alice, Room, terms, Now);
        var sent = ((TransferEffect.Send)step.Effects[0]).Message;
        MikeyReader.TryRead(sent.Span, out var read, out _);
        return (step.State, sent, read!.First<Ticket>()!);
    }

    private static (Octets Sent, Ticket Ticket) Transferred(GrantedKeys granted, SrtpProfile profile)
    {
        var (state, sent, ticket) = Begin(granted, profile);
        ((TransferState.Waiting)state).Dispose();
        return (sent, ticket);
    }

    private static (BundleState State, Octets Response) Answer(Octets sent, GrantedKeys resolved, SrtpProfile profile)
    {
        TransferArrival.TryRead(sent, null, Now, out var arrival);
        arrival!.Verify(resolved, new ReplayCache(4, TimeSpan.FromMinutes(1)), Now, out var verified);
        using (verified)
        using (var tek = Tek(profile, 2))
        {
            var sessions = arrival.Sessions.Select(s => s.CsId == 2 ? GenericSession.ForSrtp(2, Octets.CopyOf([0]), new SrtpPosition(0), tek.Spi) : s);
            return verified!.Answer(Room, new SessionTerms(new([.. sessions]), default, [tek]), Now);
        }
    }

    private static TransportedKey Tek(SrtpProfile profile, byte number) => new(
        KeyType.TekWithSalt, SecretBytes.Create(profile.KeyLength, RandomNumberGenerator.Fill), SecretBytes.Create(profile.SaltLength, RandomNumberGenerator.Fill),
        new KeyValidity.Named(Octets.CopyOf([0, 0, 0, number])));

    private static Octets Drop(KmsClientStep step)
    {
        using var waiting = (KmsClientState.Waiting)step.State;
        return waiting.Sent;
    }

    private static void Drop(ImmutableArray<TransportedKey> keys)
    {
        foreach (var key in keys) key.Dispose();
    }

    /// <summary>Each message is taken once, as a KMS does.</summary>
    private static void Each(TextWriter output, string suite, string proof, string step, Octets[] messages, Func<Octets, KmsAnswer> act)
    {
        var warm = messages.Length / 4;
        for (var i = 0; i < warm; i++) act(messages[i]);
        var start = Stopwatch.GetTimestamp();
        var octets = 0;
        for (var i = warm; i < messages.Length; i++)
        {
            var answer = act(messages[i]);
            if (answer.Error != ExchangeError.None) throw new InvalidOperationException($"{step}: {answer.Error}");
            octets = answer.Response!.Value.Length;
        }

        Write(output, suite, proof, step, Stopwatch.GetElapsedTime(start) / (messages.Length - warm), octets);
    }

    private static void Report(TextWriter output, string suite, string proof, string step, int octets, Action act)
    {
        for (var i = 0; i < 50; i++) act();
        var (start, count) = (Stopwatch.GetTimestamp(), 0);
        for (; Stopwatch.GetElapsedTime(start) < Time; count++) act();
        Write(output, suite, proof, step, Stopwatch.GetElapsedTime(start) / count, octets);
    }

    private static void Write(TextWriter output, string suite, string proof, string step, TimeSpan each, int octets) => output.WriteLine(string.Create(
        CultureInfo.InvariantCulture, $"| {suite} | {proof} | {step} | {1 / each.TotalSeconds:F0} | {each.TotalMicroseconds:F0} | {(octets == 0 ? "" : $"{octets}")} |"));

    /// <summary>A KMS and two users.</summary>
    internal sealed class Scene : IDisposable
    {
        private readonly SecretBytes _master = SecretBytes.Create(32, RandomNumberGenerator.Fill);
        private readonly SecretBytes _psk = SecretBytes.Create(32, RandomNumberGenerator.Fill);
        private readonly KmsUserTable _users;
        private readonly TicketProtectionKeys _tickets;
        private readonly ReplayCache _replays = new(100_000, TimeSpan.FromMinutes(1));
        private readonly Root? _authority;
        private readonly bool _certified;

        public Scene(Root? authority, bool certified)
        {
            (_authority, _certified, _tickets) = (authority, certified, new TicketProtectionKeys(_master, TimeSpan.FromHours(24)));
            _users = KmsUserTable.Empty.With(User(Alice)).With(User(Room));
        }

        public KmsCredential Of(Identity user) => _certified
            ? new KmsCredential(user, Kms, null, null) { Certified = new(user == Alice ? _authority!.AliceKey : _authority!.RoomKey, _authority.KmsKey.Chain[0]) }
            : new KmsCredential(user, Kms, _psk, null);

        public KmsAnswer Answer(Octets message)
        {
            var now = Now;
            var register = new KmsRegister(_users, new KmsRules(Kms, TimeSpan.FromHours(1), TimeSpan.FromHours(24)), _tickets, now.Now, _authority?.Certificates);
            return KmsServer.Answer(message, register, _replays, now);
        }

        public GrantedKeys Granted(TicketPolicy wanted) => Run(KmsClient.Request(wanted, Of(Alice), Now));

        public GrantedKeys Resolved(Ticket ticket) => Run(KmsClient.Resolve(ticket, Of(Room), Now));

        public void Dispose()
        {
            _tickets.Dispose();
            _users.Dispose();
            _psk.Dispose();
            _master.Dispose();
        }

        private GrantedKeys Run(KmsClientStep step)
        {
            using var waiting = (KmsClientState.Waiting)step.State;
            return ((KmsClientEffect.Received)KmsClient.Next(waiting, Answer(waiting.Sent).Response!.Value, Now).Effects[0]).Keys;
        }

        private KmsUser User(Identity name) => new(name.ToString(), _certified ? null : _psk.Copy(), [], IsRevoked: false);
    }

    /// <summary>Certificates of all three.</summary>
    internal sealed class Root : IDisposable
    {
        private readonly RSA _key = RSA.Create(2048);
        private readonly X509Certificate2 _root;

        public Root()
        {
            var request = new CertificateRequest("CN=root", _key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
            request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
            _root = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddHours(1));
            (AliceKey, RoomKey, KmsKey) = (Issue(Alice), Issue(Room), Issue(Kms));
            Certificates = new KmsCertificates(KmsKey, new CertificateTrust([Octets.CopyOf(_root.RawData)]));
        }

        public CertifiedKey AliceKey { get; }

        public CertifiedKey RoomKey { get; }

        public CertifiedKey KmsKey { get; }

        public KmsCertificates Certificates { get; }

        public void Dispose()
        {
            foreach (var key in new IDisposable[] { AliceKey, RoomKey, KmsKey, _root, _key }) key.Dispose();
        }

        private CertifiedKey Issue(Identity name)
        {
            var key = RSA.Create(2048);
            var request = new CertificateRequest("CN=user", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
            var names = new SubjectAlternativeNameBuilder();
            names.AddUri(new Uri(name.ToString()));
            request.CertificateExtensions.Add(names.Build());
            using var certificate = request.Create(_root, DateTimeOffset.UtcNow.AddMinutes(-10), DateTimeOffset.UtcNow.AddMinutes(50), RandomNumberGenerator.GetBytes(8));
            return CertifiedKey.Of(key, [Octets.CopyOf(certificate.RawData)], out var problem) ?? throw new InvalidOperationException(problem);
        }
    }
}
