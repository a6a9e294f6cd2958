using System.Collections.Immutable;
using System.Net;
using Akka.Configuration;
using Akka.Configuration.Hocon;
using ConfCluster.Protocols.Codecs;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Mixing;
using ConfCluster.Protocols.Rtp;
using ConfCluster.Protocols.Sip.Admission;
using ConfCluster.Protocols.Sip.Authentication;
using ConfCluster.Protocols.Sip.Sessions;
using ConfCluster.Protocols.Sip.Transactions;
using ConfCluster.Protocols.Srtp;

namespace ConfCluster.Actors.Settings;

/// <summary>
/// Turns the HOCON under <c>confcluster</c> into settings. Every key is read once; no default stands here. All problems are reported at
/// once: a wrong value, a missing one, a key that nobody reads (a misspelt one).
/// </summary>
public static class SettingsReader
{
    public const string Root = "confcluster";

    private static readonly TimeSpan Millisecond = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    /// <summary>The defaults: reference.conf as it is built into this assembly.</summary>
    public static Config Reference() => ConfigurationFactory.ParseString(ReferenceText());

    public static string ReferenceText()
    {
        using var stream = typeof(SettingsReader).Assembly.GetManifestResourceStream("reference.conf")
            ?? throw new InvalidOperationException("reference.conf is not built in");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }

    /// <summary>Settings when <see cref="SettingsResult.Problems"/> is empty.</summary>
    public static SettingsResult Read(Config config)
    {
        ArgumentNullException.ThrowIfNull(config);
        var scope = new SettingsScope(config.GetConfig(Root) ?? ConfigurationFactory.Empty);
        var settings = ReadAll(scope);
        SettingsRules.Check(settings, scope);
        var unknown = Keys(config).Where(key => !scope.Read.Contains(key)).Select(key => SettingsRules.Unknown(key, scope.Read));
        ImmutableArray<SettingProblem> problems = [.. scope.Problems.Select(Absolute), .. unknown];
        return new SettingsResult(problems.IsEmpty ? settings : null, problems, [.. scope.Read]);
    }

    /// <summary>Every key under the root that holds a value, without the root's name.</summary>
    public static IEnumerable<string> Keys(Config config) =>
        config?.GetConfig(Root)?.Root is { } root ? Keys(root, "") : [];

    internal static IEnumerable<string> Keys(HoconValue value, string path) =>
        value.IsObject()
            ? value.GetObject().Items.SelectMany(item => Keys(item.Value, path.Length == 0 ? item.Key : $"{path}.{item.Key}"))
            : [path];

    private static SettingProblem Absolute(SettingProblem problem) => problem with { Where = $"{Root}.{problem.Where}" };

    private static ConfClusterSettings ReadAll(SettingsScope read)
    {
        var all = ReadAll(read, read.Text("data-dir"));
        return all with { Media = all.Media with { SuspectAfter = all.Conference.MixerSuspectAfter } };
    }

    private static ConfClusterSettings ReadAll(SettingsScope read, string dataDirectory) => new(
        read.Text("node-name"), dataDirectory, ReadSip(read) with
        {
            Tls = TlsSettingsReader.Read(read, dataDirectory),
            Auth = AuthSettingsReader.Read(read, dataDirectory),
        },
        ReadMedia(read),
        ReadConference(read), JournalSettings.Read(read, dataDirectory),
        new HttpSettings(new IPEndPoint(read.Address("http.address"), read.Number("http.port", 0, 65535))),
        read.Duration("shutdown-timeout", Second, Hour), read.Switch("allow-unauthenticated"))
    {
        Audit = AuditSettings.Read(read, dataDirectory),
        Cluster = ClusterSettings.Read(read),
        DrainTimeout = read.Duration("drain-timeout", Second, Hour),
        Kms = KmsSettings.Read(read, dataDirectory),
        KmsUser = KmsUserSettings.Read(read),
        PreShared = PreSharedSettings.Read(read, dataDirectory),
    };

    private static SipSettings ReadSip(SettingsScope read)
    {
        var maxTransactions = read.Number("sip.max-transactions", 1, 10_000_000);
        return ReadSip(read, maxTransactions) with { Admission = ReadAdmission(read, maxTransactions) };
    }

    private static SipSettings ReadSip(SettingsScope read, int maxTransactions) => new(
        ReadListener(read, "sip.udp"), ReadListener(read, "sip.tcp"), OrNull(read.Text("sip.advertised")),
        new SipTimings(
            read.Duration("sip.timers.t1", Millisecond, Hour), read.Duration("sip.timers.t2", Millisecond, Hour),
            read.Duration("sip.timers.t4", Millisecond, Hour)),
        read.Number("sip.max-message-size", 1500, 1 << 20), maxTransactions,
        read.Number("sip.max-connections", 1, 1_000_000), read.Duration("sip.connection-idle-timeout", Second, TimeSpan.FromDays(1)),
        read.Text("sip.server-header"))
    {
        Dns = new DnsSettings(
            read.Readable<IPEndPoint>("sip.dns.servers", "addresses, each with a port or without: \"192.0.2.53\", \"[2001:db8::53]:53\"", OutboundReader.TryServer),
            read.Duration("sip.dns.timeout", Millisecond, TimeSpan.FromMinutes(1)), read.Number("sip.dns.cache-size", 0, 1_000_000)),
        Outbound = OutboundReader.Read(read),
        SessionTimer = ReadSessionTimer(read),
        FocusTimeout = read.Duration("sip.focus-timeout", Second, TimeSpan.FromMinutes(1)),
        SecondAddress = read.OptionalAddress("sip.ipv6.address"),
        SecondAdvertised = OrNull(read.Text("sip.ipv6.advertised")),
    };

    private static AdmissionLimits ReadAdmission(SettingsScope read, int maxTransactions) => new(
        new OverloadLimits(
            read.Number("sip.admission.overload.max-queue", 1, 20_000),
            read.Duration("sip.admission.overload.max-lag", Millisecond, Hour), read.Duration("sip.admission.overload.hold", Millisecond, Hour)),
        new BucketRate(read.Number("sip.admission.source.rate", 1, 1_000_000), read.Number("sip.admission.source.burst", 1, 1_000_000)),
        read.Number("sip.admission.source.max-sources", 4, 10_000_000),
        read.OneOf("sip.admission.source.too-fast", ("drop", true), ("refuse", false)),
        read.Networks("sip.admission.source.exempt"),
        read.Number("sip.admission.max-unanswered", 1, 1_000_000), maxTransactions / 5 * 4, read.Number("sip.admission.max-dialogs", 1, 10_000_000),
        read.Number("sip.admission.source.max-dialogs", 1, 10_000_000), read.Number("sip.admission.source.max-connections", 1, 1_000_000),
        read.Number("sip.admission.retry-after.min", 1, 3600), read.Number("sip.admission.retry-after.max", 1, 3600));

    private static SessionTimerPolicy ReadSessionTimer(SettingsScope read)
    {
        var asks = read.Switch("sip.session-timer.enabled");
        var interval = read.Duration("sip.session-timer.interval", Second, TimeSpan.FromDays(1));
        var minimum = read.Duration("sip.session-timer.min-interval", Second, TimeSpan.FromDays(1));
        if (interval < minimum) read.Refuse("sip.session-timer.interval", $"{interval}", "not less than sip.session-timer.min-interval", 0);
        return new SessionTimerPolicy(asks ? interval : TimeSpan.Zero, minimum);
    }

    private static IPEndPoint? ReadListener(SettingsScope read, string path)
    {
        var enabled = read.Switch($"{path}.enabled");
        var endPoint = new IPEndPoint(read.Address($"{path}.address"), read.Number($"{path}.port", 0, 65535));
        return enabled ? endPoint : null;
    }

    private static MediaSettings ReadMedia(SettingsScope read) => new(
        read.Address("media.address"), read.OptionalAddress("media.advertised"), read.Number("media.port-min", 1024, 65535),
        read.Number("media.port-max", 1024, 65535), read.Number("media.lanes", 1, 64), read.Number("media.max-legs-per-lane", 1, 100_000),
        new MixerSettings(
            read.Number("media.jitter.packets", 1, 50), read.Number("media.jitter.capacity", 2, 500),
            read.Duration("media.rtcp-interval", TimeSpan.FromMilliseconds(500), Hour))
        {
            MinJitterPackets = read.Number("media.jitter.min-packets", 1, 50),
            TalkerHold = read.Duration("media.talker-hold", TimeSpan.Zero, Hour),
            MaxJitterPackets = read.Number("media.jitter.max-packets", 1, 50),
            MaxTalkers = read.Number("conference.max-talkers", 1, RtpHeader.MaxCsrcs),
            SilenceLevel = (byte)read.Number("conference.silence-level", 1, AudioLevel.Silence),
            NoMediaAfter = read.Duration("conference.no-media.after", TimeSpan.Zero, Hour),
        },
        read.Duration("media.heartbeat-interval", TimeSpan.FromMilliseconds(20), TimeSpan.FromMinutes(1)),
        read.Duration("media.unadmitted-leg-timeout", Second, Hour))
    {
        Second = ReadSecond(read),
        OrphanTimeout = read.Duration("media.orphan-timeout", Second, Hour),
        EndsWithoutMedia = read.OneOf("conference.no-media.action", ("report", false), ("end", true)),
        Sockets = new MediaSocketOptions(
            read.Number("media.socket.receive-buffer", 0, 1 << 26), read.Number("media.socket.send-buffer", 0, 1 << 26),
            read.Number("media.socket.dscp", 0, 63)),
    };

    private static MediaBinding? ReadSecond(SettingsScope read)
    {
        var (address, advertised) = (read.OptionalAddress("media.ipv6.address"), read.OptionalAddress("media.ipv6.advertised"));
        return address is null ? null : new MediaBinding(address, advertised);
    }

    private static ConferenceSettings ReadConference(SettingsScope read) => new(
        PolicyReader.Read(read),
        read.OneOf("conference.protection", ("required", true)),
        read.List("conference.suites", SrtpProfile.All.Select(p => p.Name), SrtpProfile.Find),
        [.. read.List("conference.codecs", Codecs.Select(c => c.Name), CodecName.Find).Select(c => c.Codec)],
        read.Number("conference.max-conferences", 1, 1_000_000), read.Number("conference.shards", 1, 10_000),
        read.Duration("conference.mixer-suspect-after", TimeSpan.FromMilliseconds(100), Hour));

    private sealed record CodecName(string Name, AudioCodec Codec)
    {
        public static CodecName? Find(string name) => Codecs.FirstOrDefault(c => c.Name.Equals(name, StringComparison.OrdinalIgnoreCase));
    }

    private static readonly ImmutableArray<CodecName> Codecs = [.. AudioCodecs.OfPhones.Select(c => new CodecName(AudioFormat.Of(c).Encoding, c))];

    private static string? OrNull(string text) => text.Length == 0 ? null : text;
}

/// <param name="Settings">Null when there are problems.</param>
/// <param name="KeysRead">For the test that compares them with reference.conf.</param>
public sealed record SettingsResult(
    ConfClusterSettings? Settings, ImmutableArray<SettingProblem> Problems, ImmutableArray<string> KeysRead);
