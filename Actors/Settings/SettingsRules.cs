using System.Net;
using System.Net.Sockets;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Keys.Rekeying;
using ConfCluster.Protocols.Sip.Authentication;

namespace ConfCluster.Actors.Settings;

/// <summary>What must hold between settings, and what to say about a key that nobody reads.</summary>
internal static class SettingsRules
{
    private const string AllowKey = "allow-unauthenticated";

    public static void Check(ConfClusterSettings settings, SettingsScope scope)
    {
        var (sip, media, conference) = (settings.Sip, settings.Media, settings.Conference);
        ClusterRules.Check(settings, scope);
        Loopback(settings, settings.Http.Listen, "http.address", scope);
        if (settings.Cluster.Has(NodeRole.Sip))
        {
            Loopback(settings, sip.Udp, "sip.udp.address", scope);
            Loopback(settings, sip.Tcp, "sip.tcp.address", scope);
            Loopback(settings, sip.Tls?.Listen, "sip.tls.address", scope);
            if (sip.SecondAddress is { } second) Loopback(settings, new IPEndPoint(second, 0), "sip.ipv6.address", scope);
        }

        Families(settings, scope);
        if (!settings.Auth.Policy.IsRequired) MinIdentities(conference.Blueprints, scope);
        if (settings.KmsUser.Url is null) KeySources(conference.Blueprints, scope);
        if (sip.Udp is null && sip.Tcp is null && sip.Tls is null)
            Say(scope, "sip.udp.enabled", "off", "sip.udp, sip.tcp or sip.tls must be enabled");
        if (settings.DataDirectory.Length == 0) Say(scope, "data-dir", "", "a directory");
        if (media.PortMax - media.PortMin < 3)
            Say(scope, "media.port-max", $"{media.PortMax}", $"at least four ports above media.port-min = {media.PortMin}");
        if (media.Mixer.JitterPackets >= media.Mixer.JitterCapacity)
            Say(scope, "media.jitter.packets", $"{media.Mixer.JitterPackets}", $"less than media.jitter.capacity = {media.Mixer.JitterCapacity}");
        if (media.Mixer.MinJitterPackets > media.Mixer.JitterPackets)
            Say(scope, "media.jitter.min-packets", $"{media.Mixer.MinJitterPackets}", "not more than media.jitter.packets");
        if (media.Mixer.MaxJitterPackets < media.Mixer.JitterPackets || media.Mixer.MaxJitterPackets >= media.Mixer.JitterCapacity)
            Say(scope, "media.jitter.max-packets", $"{media.Mixer.MaxJitterPackets}", "from media.jitter.packets to below media.jitter.capacity");
        if (conference.MixerSuspectAfter < 3 * media.HeartbeatInterval)
            Say(scope, "conference.mixer-suspect-after", $"{conference.MixerSuspectAfter}", "at least three times media.heartbeat-interval");
        if (media.OrphanTimeout < MediaSettings.OrphanHeartbeats * media.HeartbeatInterval)
            Say(scope, "media.orphan-timeout", $"{media.OrphanTimeout}", $"at least {MediaSettings.OrphanHeartbeats} times media.heartbeat-interval");
        if (settings.Journal.MinBackoff > settings.Journal.MaxBackoff)
            Say(scope, "journal.write-backoff.min", $"{settings.Journal.MinBackoff}", "not more than journal.write-backoff.max");
        if (sip.Admission.RetryAfterMin > sip.Admission.RetryAfterMax)
            Say(scope, "sip.admission.retry-after.min", $"{sip.Admission.RetryAfterMin}", "not more than sip.admission.retry-after.max");
        if (sip.Timings.T2 < sip.Timings.T1) Say(scope, "sip.timers.t2", $"{sip.Timings.T2}", "not less than sip.timers.t1");
        if ((IsAny(sip.Udp) || IsAny(sip.Tls?.Listen)) && sip.Advertised is null) Say(scope, "sip.advertised", "", "needed when SIP listens on every address");
        if (IsAny(media.Address) && media.Advertised is null)
            Say(scope, "media.advertised", "", $"needed when media.address is {media.Address}");
        if (media.Second is { Advertised: null } every && IsAny(every.Address))
            Say(scope, "media.ipv6.advertised", "", $"needed when media.ipv6.address is {every.Address}");
        if (sip is { SecondAddress: { } all, SecondAdvertised: null } && IsAny(all))
            Say(scope, "sip.ipv6.advertised", "", $"needed when sip.ipv6.address is {all}");
    }

    /// <summary>Keys of a KMS need one.</summary>
    private static void KeySources(Blueprints blueprints, SettingsScope scope)
    {
        const string Needed = "kms-user.url must be set";
        if (blueprints.Default.Keys.Source == KeySource.Kms) Say(scope, "conference.keys.source", "kms", Needed);
        foreach (var (name, policy) in blueprints.Named)
            if (policy.Keys.Source == KeySource.Kms && blueprints.Default.Keys.Source != KeySource.Kms)
                Say(scope, $"blueprints.{name}.key-source", "kms", Needed);
    }

    /// <summary>Names the key that was probably meant.</summary>
    public static SettingProblem Unknown(string key, IEnumerable<string> known)
    {
        var nearest = known.OrderBy(k => Distance(k, key)).First();
        var hint = Distance(nearest, key) <= 3 ? $"; did you mean {SettingsReader.Root}.{nearest}?" : "; reference.conf lists every key";
        return new SettingProblem($"{SettingsReader.Root}.{key}", "", $"there is no such key{hint}");
    }

    private static void MinIdentities(Blueprints blueprints, SettingsScope scope)
    {
        const string Cure = "nobody is asked who it is; set auth.required = on, or none here";
        if (blueprints.Default.MinIdentity > IdentityProof.None) Say(scope, "conference.min-identity", "stronger than none", Cure);
        foreach (var (name, policy) in blueprints.Named)
            if (policy.MinIdentity > IdentityProof.None && policy.MinIdentity != blueprints.Default.MinIdentity)
                Say(scope, $"blueprints.{name}.min-identity", "stronger than none", Cure);
    }

    private static void Loopback(ConfClusterSettings settings, IPEndPoint? listen, string path, SettingsScope scope)
    {
        if (settings.AllowUnauthenticated || listen is null || IPAddress.IsLoopback(listen.Address)) return;
        var isSip = path.StartsWith("sip.", StringComparison.Ordinal);
        if (isSip && settings.Auth.Policy.IsRequired) return;
        var cure = isSip ? $"let callers prove who they are with {SettingsReader.Root}.auth.required = on, or " : "";
        Say(scope, path, $"{listen.Address}",
            $"only loopback is allowed, since callers are not authenticated; {cure}to open the node to everybody, set {SettingsReader.Root}.{AllowKey} = on");
    }

    /// <summary>What stands under ipv6 is IPv6, and is then beside IPv4.</summary>
    private static void Families(ConfClusterSettings settings, SettingsScope scope)
    {
        var (sip, media) = (settings.Sip, settings.Media);
        if (media.Advertised is { } shown && shown.AddressFamily != media.Address.AddressFamily)
            Say(scope, "media.advertised", $"{shown}", $"an address of the family of media.address = {media.Address}");
        if (media.Second is { } second)
        {
            if (IsIPv6(media.Address)) Say(scope, "media.address", $"{media.Address}", "an IPv4 address, for media.ipv6.address is set");
            if (!IsIPv6(second.Address)) Say(scope, "media.ipv6.address", $"{second.Address}", "an IPv6 address, or empty");
            if (!IsIPv6(second.Shown)) Say(scope, "media.ipv6.advertised", $"{second.Shown}", "an IPv6 address, or empty");
        }

        if (sip.SecondAddress is not { } listen) return;
        if (!IsIPv6(listen)) Say(scope, "sip.ipv6.address", $"{listen}", "an IPv6 address, or empty");
        foreach (var (first, key) in new[] { (sip.Udp, "sip.udp.address"), (sip.Tcp, "sip.tcp.address"), (sip.Tls?.Listen, "sip.tls.address") })
            if (first is not null && IsIPv6(first.Address))
                Say(scope, key, $"{first.Address}", "an IPv4 address, for sip.ipv6.address is set");
    }

    private static bool IsIPv6(IPAddress address) => address.AddressFamily == AddressFamily.InterNetworkV6;

    private static bool IsAny(IPEndPoint? endPoint) => endPoint is not null && IsAny(endPoint.Address);

    private static bool IsAny(IPAddress address) => address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any);

    private static void Say(SettingsScope scope, string path, string found, string allowed) => scope.Refuse(path, found, allowed, 0);

    /// <summary>Levenshtein distance; keys are short.</summary>
    private static int Distance(string a, string b)
    {
        var row = Enumerable.Range(0, b.Length + 1).ToArray();
        for (var i = 1; i <= a.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= b.Length; j++)
            {
                var cost = Math.Min(Math.Min(row[j], row[j - 1]) + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1));
                (diagonal, row[j]) = (row[j], cost);
            }
        }

        return row[^1];
    }
}
