using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Keys.Rekeying;

namespace ConfCluster.Actors.Settings;

/// <summary>Reads <c>conference.keys</c>: who shares the group key and when it changes.</summary>
internal static class KeySettingsReader
{
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    /// <summary>A 491 on a dialog that we began alone waits up to 4 s (RFC 3261 §14.1).</summary>
    private static readonly TimeSpan ShortestDistribution = TimeSpan.FromSeconds(6);

    public static GroupKeyPolicy Read(SettingsScope read) => new(
        read.OneOf("conference.keys.downlink", ("group", true), ("individual", false)), Rekey(read))
    {
        NonMkiLegs = read.OneOf("conference.keys.non-mki-legs", ("individual", NonMkiLegs.Individual), ("group", NonMkiLegs.Group), ("refuse", NonMkiLegs.Refuse)),
        SdesSignalling = read.OneOf(
            "conference.keys.sdes-signalling", ("individual", SdesSignalling.Individual), ("tls", SdesSignalling.Tls), ("any", SdesSignalling.Any)),
        ByUserAgent = [.. read.Readable<UserAgentRule>("conference.keys.user-agents", "\"Acme Phone/1 = group\", individual or refuse", TryRule)
            .Select(e => (e.UserAgent, e.Then))],
        MaxPackets = (ulong)read.Number("conference.keys.rekey.max-packets", 256, int.MaxValue),
    };

    private static RekeyPolicy Rekey(SettingsScope read)
    {
        var age = read.Duration("conference.keys.rekey.max-age", TimeSpan.Zero, TimeSpan.FromDays(365));
        return new RekeyPolicy(
            read.Switch("conference.keys.rekey.on-join"), read.Switch("conference.keys.rekey.on-leave"),
            read.Duration("conference.keys.rekey.min-interval", TimeSpan.Zero, Hour),
            read.Duration("conference.keys.rekey.distribution-timeout", ShortestDistribution, Hour),
            read.Duration("conference.keys.rekey.grace", TimeSpan.Zero, Hour),
            read.Duration("conference.keys.rekey.move-delay", TimeSpan.Zero, TimeSpan.FromSeconds(10)))
        {
            MaxAge = age == TimeSpan.Zero ? null : age,
            JoinKey = read.OneOf("conference.keys.rekey.join-key", ("next-epoch", JoinKey.NextEpoch), ("current", JoinKey.Current)),
            OnUndelivered = read.OneOf("conference.keys.rekey.on-undelivered", ("own-key", Undelivered.OwnKey), ("drop", Undelivered.Drop)),
            EvictionBypassesInterval = read.Switch("conference.keys.rekey.evict-bypasses-interval"),
            MaxEpochsInUse = read.Number("conference.keys.rekey.max-epochs-in-use", 1, 8),
        };
    }

    private static bool TryRule(string text, out UserAgentRule? rule)
    {
        rule = null;
        var equals = text.LastIndexOf('=');
        if (equals <= 0) return false;
        var (agent, then) = (text[..equals].Trim(), text[(equals + 1)..].Trim());
        if (agent.Length == 0 || !Enum.TryParse<NonMkiLegs>(then, ignoreCase: true, out var legs) || char.IsAsciiDigit(then[0])) return false;
        rule = new UserAgentRule(agent, legs);
        return true;
    }

    private sealed record UserAgentRule(string UserAgent, NonMkiLegs Then);
}
