using System.Collections.Immutable;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Keys.Rekeying;
using ConfCluster.Protocols.Sip.Authentication;

namespace ConfCluster.Protocols.Conference;

/// <summary>A rule and what it is.</summary>
public sealed record PolicySetting(string Name, string Value)
{
    public override string ToString() => $"{Name}={Value}";
}

/// <summary>Every rule of a conference that can differ from one to another (RFC 4353 §4.2), as text and back.</summary>
public static class PolicyTerms
{
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    /// <summary>A 491 on a dialog that we began alone waits up to 4 s (RFC 3261 §14.1).</summary>
    private static readonly TimeSpan ShortestDistribution = TimeSpan.FromSeconds(6);

    public static readonly ImmutableArray<PolicyTerm> All =
    [
        PolicyTerm.Number("max-participants", "max-participants", 2, 100_000, (p, v) => p with { MaxParticipants = v }, p => p.MaxParticipants),
        PolicyTerm.Number(
            "legs-per-mixer", "legs-per-mixer", 1, ConferencePolicy.MostLegsPerMixer, (p, v) => p with { LegsPerMixer = v }, p => p.LegsPerMixer),
        PolicyTerm.OneOf(
            "min-identity", "min-identity", (p, v) => p with { MinIdentity = v }, p => p.MinIdentity, ("none", IdentityProof.None),
            ("asserted", IdentityProof.Asserted), ("digest", IdentityProof.Digest), ("certificate", IdentityProof.Certificate)),
        PolicyTerm.OneOf(
            "media", "media", (p, v) => Keys(p, k => k with { IsSwitching = v }), p => p.Keys.IsSwitching, ("mixing", false), ("switching", true)),
        PolicyTerm.OneOf(
            "downlink", "keys.downlink", (p, v) => Keys(p, k => k with { IsGroup = v }), p => p.Keys.IsGroup, ("group", true), ("individual", false)),
        PolicyTerm.OneOf(
            "uplink", "keys.uplink", (p, v) => Keys(p, k => k with { Uplink = v }), p => p.Keys.Uplink, ("individual", UplinkKeying.Individual),
            ("group", UplinkKeying.Group)),
        PolicyTerm.OneOf(
            "key-source", "keys.source", (p, v) => Keys(p, k => k with { Source = v }), p => p.Keys.Source, ("focus", KeySource.Focus), ("kms", KeySource.Kms)),
        PolicyTerm.OneOf(
            "without-kms", "keys.without-kms", (p, v) => Keys(p, k => k with { FallsBackToFocus = v }), p => p.Keys.FallsBackToFocus, ("own-key", false),
            ("focus", true)),
        PolicyTerm.OneOf(
            "non-mki-legs", "keys.non-mki-legs", (p, v) => Keys(p, k => k with { NonMkiLegs = v }), p => p.Keys.NonMkiLegs,
            ("individual", NonMkiLegs.Individual), ("group", NonMkiLegs.Group), ("refuse", NonMkiLegs.Refuse)),
        PolicyTerm.OneOf(
            "sdes-signalling", "keys.sdes-signalling", (p, v) => Keys(p, k => k with { SdesSignalling = v }), p => p.Keys.SdesSignalling,
            ("individual", SdesSignalling.Individual), ("tls", SdesSignalling.Tls), ("any", SdesSignalling.Any)),
        new PolicyTerm("user-agents", "keys.user-agents", "\"Acme Phone/1 = group\", individual or refuse", UserAgents, UserAgents, IsList: true),
        Switch("on-join", (r, v) => r with { OnJoin = v }, r => r.OnJoin),
        Switch("on-leave", (r, v) => r with { OnLeave = v }, r => r.OnLeave),
        Duration("min-interval", TimeSpan.Zero, Hour, (r, v) => r with { MinInterval = v }, r => r.MinInterval),
        Duration("distribution-timeout", ShortestDistribution, Hour, (r, v) => r with { DistributionTimeout = v }, r => r.DistributionTimeout),
        Duration("grace", TimeSpan.Zero, Hour, (r, v) => r with { Grace = v }, r => r.Grace),
        Duration("move-delay", TimeSpan.Zero, TimeSpan.FromSeconds(10), (r, v) => r with { MoveDelay = v }, r => r.MoveDelay),
        Duration(
            "max-age", TimeSpan.Zero, TimeSpan.FromDays(365), (r, v) => r with { MaxAge = v == TimeSpan.Zero ? null : v }, r => r.MaxAge ?? TimeSpan.Zero),
        PolicyTerm.Number(
            "rekey.max-packets", "keys.rekey.max-packets", 256, int.MaxValue, (p, v) => Keys(p, k => k with { MaxPackets = (ulong)v }),
            p => (long)p.Keys.MaxPackets),
        PolicyTerm.OneOf(
            "rekey.join-key", "keys.rekey.join-key", (p, v) => Rekey(p, r => r with { JoinKey = v }), p => p.Keys.Rekey.JoinKey,
            ("next-epoch", JoinKey.NextEpoch), ("current", JoinKey.Current)),
        PolicyTerm.OneOf(
            "rekey.on-undelivered", "keys.rekey.on-undelivered", (p, v) => Rekey(p, r => r with { OnUndelivered = v }), p => p.Keys.Rekey.OnUndelivered,
            ("own-key", Undelivered.OwnKey), ("drop", Undelivered.Drop)),
        Switch("evict-bypasses-interval", (r, v) => r with { EvictionBypassesInterval = v }, r => r.EvictionBypassesInterval),
        PolicyTerm.Number(
            "rekey.max-epochs-in-use", "keys.rekey.max-epochs-in-use", 1, 8, (p, v) => Rekey(p, r => r with { MaxEpochsInUse = v }),
            p => p.Keys.Rekey.MaxEpochsInUse),
        PolicyTerm.Number(
            "rekey.max-offers", "keys.rekey.max-offers", 1, 10_000, (p, v) => Rekey(p, r => r with { MaxOffers = v }), p => p.Keys.Rekey.MaxOffers),
        PolicyTerm.Number(
            "rekey.ladder", "keys.rekey.ladder", 0, KeyLadder.MaxRungs, (p, v) => Rekey(p, r => r with { Ladder = v }), p => p.Keys.Rekey.Ladder),
        PolicyTerm.OneOf(
            "rekey.revoke", "keys.rekey.revoke", (p, v) => Rekey(p, r => r with { Revoke = v }), p => p.Keys.Rekey.Revoke,
            ("lazy", Revocation.Lazy), ("now", Revocation.Now)),
    ];

    public static PolicyTerm? Find(string name) => All.FirstOrDefault(t => t.Name == name);

    /// <summary>The name that was probably meant; null: none is near.</summary>
    public static string? Nearest(string name)
    {
        var near = All.Select(t => t.Name).OrderBy(n => Difference(n, name)).First();
        return Difference(near, name) <= 3 || near.EndsWith("." + name, StringComparison.Ordinal) ? near : All.FirstOrDefault(t => name == t.Path)?.Name;
    }

    /// <summary>All of it.</summary>
    public static ImmutableArray<PolicySetting> Write(ConferencePolicy policy) => [.. All.Select(t => new PolicySetting(t.Name, t.Get(policy)))];

    /// <summary>What was written once; a rule that is not there, or that this version has no more, is as in <paramref name="otherwise"/>.</summary>
    public static ConferencePolicy Read(ImmutableArray<PolicySetting> settings, ConferencePolicy otherwise)
    {
        var policy = otherwise;
        foreach (var setting in settings)
            if (Find(setting.Name) is { } term && term.TrySet(policy, setting.Value, out var next))
                policy = next;
        return policy;
    }

    private static PolicyTerm Switch(string name, Func<RekeyPolicy, bool, RekeyPolicy> set, Func<RekeyPolicy, bool> get) =>
        PolicyTerm.Switch($"rekey.{name}", $"keys.rekey.{name}", (p, v) => Rekey(p, r => set(r, v)), p => get(p.Keys.Rekey));

    private static PolicyTerm Duration(
        string name, TimeSpan min, TimeSpan max, Func<RekeyPolicy, TimeSpan, RekeyPolicy> set, Func<RekeyPolicy, TimeSpan> get) =>
        PolicyTerm.Duration($"rekey.{name}", $"keys.rekey.{name}", min, max, (p, v) => Rekey(p, r => set(r, v)), p => get(p.Keys.Rekey));

    private static ConferencePolicy Keys(ConferencePolicy policy, Func<GroupKeyPolicy, GroupKeyPolicy> change) => policy with { Keys = change(policy.Keys) };

    private static ConferencePolicy Rekey(ConferencePolicy policy, Func<RekeyPolicy, RekeyPolicy> change) =>
        Keys(policy, k => k with { Rekey = change(k.Rekey) });

    private static ConferencePolicy? UserAgents(ConferencePolicy policy, string text)
    {
        var rules = ImmutableArray.CreateBuilder<(string UserAgent, NonMkiLegs Then)>();
        foreach (var entry in text.Split(';', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            var equals = entry.LastIndexOf('=');
            if (equals <= 0) return null;
            var (agent, then) = (entry[..equals].Trim(), entry[(equals + 1)..].Trim());
            if (agent.Length == 0 || then.Length == 0 || char.IsAsciiDigit(then[0]) || !Enum.TryParse<NonMkiLegs>(then, ignoreCase: true, out var legs)) return null;
            rules.Add((agent, legs));
        }

        return Keys(policy, k => k with { ByUserAgent = rules.ToImmutable() });
    }

    private static string UserAgents(ConferencePolicy policy) =>
        string.Join("; ", policy.Keys.ByUserAgent.Select(r => $"{r.UserAgent} = {r.Then.ToString().ToLowerInvariant()}"));

    /// <summary>Letters that differ, added or missing ones included, counted from both ends: names are short.</summary>
    private static int Difference(string a, string b)
    {
        var head = a.Zip(b).TakeWhile(p => p.First == p.Second).Count();
        var tail = a[head..].Reverse().Zip(b[head..].Reverse()).TakeWhile(p => p.First == p.Second).Count();
        return Math.Max(a.Length, b.Length) - head - tail;
    }
}
