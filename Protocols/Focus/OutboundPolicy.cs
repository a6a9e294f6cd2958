using System.Collections.Immutable;
using ConfCluster.Protocols.Sip.Authentication;
using ConfCluster.Protocols.Sip.Messages;

namespace ConfCluster.Protocols.Focus;

/// <summary>
/// What the operator allows when the focus calls somebody: whom, through which proxy, for how long, and whether a 3xx is followed. A server
/// that calls whatever it is told pays other people's phone bills, so what is not listed is not called.
/// </summary>
public sealed record OutboundPolicy
{
    public static readonly OutboundPolicy Nobody = new();

    public ImmutableArray<CalleePattern> Allow { get; init; } = [];

    /// <summary>RFC 3261 §8.1.2: the pre-loaded route set of every INVITE of ours; empty: straight to the callee.</summary>
    public ImmutableArray<NameAddr> Route { get; init; } = [];

    public bool FollowsRedirects { get; init; }

    /// <summary>For realms that ask who we are (RFC 3261 §22); their owner is whoever read them.</summary>
    public ImmutableArray<DigestAccount> Credentials { get; init; } = [];

    public TimeSpan RingTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>
    /// Whether that URI may be called. One with maddr, method or headers never: they could lead the call elsewhere than its host says, or
    /// write into our request (RFC 3261 §19.1.5).
    /// </summary>
    public bool Allows(SipUri uri)
    {
        ArgumentNullException.ThrowIfNull(uri);
        return uri.IsSip && uri.Headers.IsEmpty && !uri.Parameters.Has("maddr") && !uri.Parameters.Has("method") && uri.Password is null
            && Allow.Any(p => p.Matches(uri));
    }
}

/// <summary>
/// <c>user@host</c> with <c>*</c> for any run of characters, in either part by itself, so that no user part can reach over to the host. The
/// user is compared with case (RFC 3261 §19.1.4), the host without; the scheme, port and parameters do not count.
/// </summary>
public sealed record CalleePattern(string User, string Host)
{
    public static bool TryRead(string text, out CalleePattern? pattern)
    {
        ArgumentNullException.ThrowIfNull(text);
        var at = text.LastIndexOf('@');
        var readable = at > 0 && at < text.Length - 1 && !text.Any(c => char.IsWhiteSpace(c) || char.IsControl(c));
        pattern = readable ? new CalleePattern(text[..at], text[(at + 1)..].ToLowerInvariant()) : null;
        return readable;
    }

    public bool Matches(SipUri uri)
    {
        ArgumentNullException.ThrowIfNull(uri);
        return Matches(User, uri.User ?? "") && Matches(Host, uri.Host.ToLowerInvariant());
    }

    /// <summary>Each star takes as little as it can and gives way when the rest does not fit: no backtracking over more than one star.</summary>
    private static bool Matches(ReadOnlySpan<char> pattern, ReadOnlySpan<char> text)
    {
        var (p, t, star, resume) = (0, 0, -1, 0);
        while (t < text.Length)
        {
            if (p < pattern.Length && pattern[p] == '*') (star, resume) = (p++, t);
            else if (p < pattern.Length && pattern[p] == text[t]) (p, t) = (p + 1, t + 1);
            else if (star >= 0) (p, t) = (star + 1, ++resume);
            else return false;
        }

        return pattern[p..].IndexOfAnyExcept('*') < 0;
    }
}
