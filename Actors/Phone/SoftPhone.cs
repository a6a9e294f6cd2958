using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using ConfCluster.Actors.Keys;
using ConfCluster.Actors.Media.Opus;
using ConfCluster.Protocols.Codecs;
using ConfCluster.Protocols.Mikey;
using ConfCluster.Protocols.Mixing;
using ConfCluster.Protocols.Phone;
using ConfCluster.Protocols.Sip.Authentication;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Transactions;

namespace ConfCluster.Actors.Phone;

/// <summary>The softphone: one call of <see cref="PhoneCall"/> and <see cref="PhoneMedia"/> with real sockets, clock and randomness.</summary>
public static class SoftPhone
{
    /// <summary>
    /// Calls, talks for the time asked, hangs up, and tells what happened. Cancelling hangs up early; the report still comes.
    /// </summary>
    /// <param name="secret">For the KMS of the options; borrowed.</param>
    /// <param name="settled">Told what each offer and answer settles, for whoever wants to look at the keys; they are the phone's, and gone after the call.</param>
    public static async Task<PhoneReport> RunAsync(
        SoftPhoneOptions options, TimeProvider clock, CancellationToken stop, DigestAccount? account = null, KmsSecret? secret = null,
        Action<LegMedia>? settled = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (!options.Target.IsSip) return Report.Problem(options, "the target must be a sip: or sips: URI");
        // RFC 3261 §26.2.2: never in the clear.
        if (options.Target.IsSecure && options.Transport != SipTransport.Tls) return Report.Problem(options, "a sips: URI is called over TLS only");
        if (!options.Codecs.All(SystemCodecs.Found.Has)) return Report.Problem(options, "opus is not to be had: libopus is not installed");
        short[]? play = null;
        if (options.Play is { } file && TryLoad(file, out play) is { } unplayable) return Report.Problem(options, $"{file}: {unplayable}");

        PhoneTicket? ticket = null;
        if (options is { Kms: { } kms, Listen: null } && secret is not null)
        {
            (ticket, var why) = await PhoneTickets.GetAsync(kms, secret, options.Target, options.Suites[0], clock, stop).ConfigureAwait(false);
            if (ticket is null) return Report.Problem(options, why);
        }

        using var granted = ticket?.Granted;
        PhoneSockets sockets;
        var targets = ImmutableArray<PhoneTarget>.Empty;
        try
        {
            if (options.Listen is null) targets = await ResolveAsync(options, stop).ConfigureAwait(false);
            sockets = options.Listen is { } here ? PhoneSockets.Listen(here) : await PhoneSockets.OpenAsync(targets[0], options, stop).ConfigureAwait(false);
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException or AuthenticationException or IOException)
        {
            return Report.Problem(options, $"{options.Target.Host}: {e.Message}");
        }

        using (sockets)
        {
            var audio = new PhoneAudio(options.Tone, play, options.Record is not null);
            var isKeyed = ticket is not null || options is { PreShared: not null, Listen: null };
            var settings = PhoneSettings.Default with
            {
                Ticket = ticket,
                PreShared = PreShared(options, secret, clock),
                TicketUser = options is { Kms: { } called, Listen: not null } ? new PhoneTicketUser(Identity.Uri(called.Identity.ToString()), clock.GetUtcNow) : null,
                Identity = options.Kms?.Identity ?? options.PreShared
                    ?? SipUri.Sip(options.User, Host(sockets.Flow.Local.Address)) with { Scheme = options.Target.Scheme },
                Suites = isKeyed ? [options.Suites[0]] : options.Suites,
                UseMki = options.UseMki || options.Kms is not null || options.PreShared is not null,
                TakesUpdate = options.TakesUpdate,
                Codecs = [.. SystemCodecs.Found.Only(options.Codecs).Select(OfferedCodec.Of)],
                Account = account,
                HasTcp = sockets.Streams is not null,
                ProbeEvery = options.ProbeEvery,
                ResolvesTickets = options.Kms is not null && secret is not null,
            };
            using var resolver = settings.ResolvesTickets ? PhoneTickets.Resolver(options.Kms!, clock) : null;
            using var loop = new PhoneLoop(options, settings, sockets, audio, clock, RandomNumberGenerator.Fill)
            {
                Resolve = resolver is null ? null : asked => resolver.ResolveAsync(asked, PhoneTickets.CredentialOf(options.Kms!, secret!), stop),
                Settled = settled,
                Ways = new PhoneWays(options, targets, sockets.Way, stop),
            };
            var report = await Task.Factory.StartNew(
                () => loop.Run(stop), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default).ConfigureAwait(false);
            return options.Record is { } record && TrySave(record, audio) is { } unsaved ? report with { Problem = $"{record}: {unsaved}" } : report;
        }
    }

    private static PhonePreShared? PreShared(SoftPhoneOptions options, KmsSecret? secret, TimeProvider clock)
    {
        if (options.PreShared is not { } self || secret?.Psk is not { } psk) return null;
        Identity? other = options.Listen is null ? Identity.Uri(PhoneTickets.NameOf(options.Target)) : null;
        return new PhonePreShared(psk, Identity.Uri(self.ToString()), other, clock.GetUtcNow);
    }

    /// <summary>RFC 3261 §25.1: an IPv6 address stands in brackets.</summary>
    private static string Host(IPAddress address) => address.AddressFamily == AddressFamily.InterNetworkV6 ? $"[{address}]" : address.ToString();

    /// <summary>The servers that may have the call, the first one first.</summary>
    private static async Task<ImmutableArray<PhoneTarget>> ResolveAsync(SoftPhoneOptions options, CancellationToken stop)
    {
        var targets = ImmutableArray.CreateBuilder<PhoneTarget>();
        foreach (var server in (IEnumerable<SipUri>)[options.Target, .. options.Also])
        {
            var port = server.Port ?? SipFlow.DefaultPort(options.Transport);
            var found = IPAddress.TryParse(server.Host.Trim('[', ']'), out var literal)
                ? new[] { literal }
                : await Dns.GetHostAddressesAsync(server.Host, stop).ConfigureAwait(false);
            targets.AddRange(found.Select(a => new PhoneTarget(new IPEndPoint(a, port), server.Host)));
        }

        return targets.Count > 0 ? targets.ToImmutable() : throw new SocketException((int)SocketError.HostNotFound);
    }

    private static string? TryLoad(string file, out short[]? samples)
    {
        samples = null;
        try
        {
            if (!WavFile.TryRead(File.ReadAllBytes(file), out var read, out var problem)) return problem;
            samples = read;
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return e.Message;
        }
    }

    private static string? TrySave(string file, PhoneAudio audio)
    {
        try
        {
            File.WriteAllBytes(file, WavFile.Write(audio.Recorded));
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return e.Message;
        }
    }
}
