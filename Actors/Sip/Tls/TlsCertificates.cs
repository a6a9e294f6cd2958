using System.Collections.Immutable;
using System.Globalization;
using System.Security.Cryptography;
using ConfCluster.Actors.Settings;

namespace ConfCluster.Actors.Sip.Tls;

/// <summary>
/// The certificates in use. Looks at their files at an interval: what has changed is taken for new connections; what cannot be read is
/// told once and the old ones stay, and what is about to end is told every day. Without a configured certificate it keeps one that it made itself.
/// </summary>
internal sealed class TlsCertificates : IDisposable
{
    /// <summary>Time enough for whoever issues certificates.</summary>
    private static readonly TimeSpan Notice = TimeSpan.FromDays(14);

    private static readonly TimeSpan Day = TimeSpan.FromDays(1);
    private readonly TlsSettings _settings;
    private readonly SelfMadeCertificate? _selfMade;
    private readonly TimeProvider _clock;
    private readonly Action<string> _warn;
    private readonly ITimer _timer;
    private volatile TlsMaterial _current;
    private string _seen;
    private DateTimeOffset _told = DateTimeOffset.MinValue;

    private TlsCertificates(TlsSettings settings, SelfMadeCertificate? selfMade, TlsMaterial material, TimeProvider clock, Action<string> warn)
    {
        (_settings, _selfMade, _current, _clock, _warn) = (settings, selfMade, material, clock, warn);
        _seen = Digest();
        _timer = clock.CreateTimer(_ => Look(), null, settings.ReloadInterval, settings.ReloadInterval);
    }

    public TlsMaterial Current => _current;

    /// <summary>Null, with a sentence for the operator, when there is none to begin with.</summary>
    /// <param name="more">Further names and addresses of this node, for the certificate that it makes itself.</param>
    public static TlsCertificates? Open(TlsSettings settings, ImmutableArray<string> more, TimeProvider clock, Action<string> warn, out string problem)
    {
        var selfMade = settings.Certificates.IsEmpty ? new SelfMadeCertificate(settings.SelfMadeDirectory, settings.Listen.Address, more) : null;
        if (selfMade is not null && !selfMade.TryKeep(clock.GetUtcNow(), out problem)) return null;
        if (!CertificateLoader.TryLoad(FilesOf(settings, selfMade), settings.Trust, out var material, out problem)) return null;
        var opened = new TlsCertificates(settings, selfMade, material!, clock, warn);
        opened.TellEnds();
        return opened;
    }

    public void Dispose() => _timer.Dispose();

    private static ImmutableArray<CertificateFiles> FilesOf(TlsSettings settings, SelfMadeCertificate? selfMade) =>
        selfMade is null ? settings.Certificates : [selfMade.Files];

    private void Look()
    {
        if (_selfMade is not null && !_selfMade.TryKeep(_clock.GetUtcNow(), out var unkept)) _warn($"TLS certificate not renewed: {unkept}");
        Exchange();
        TellEnds();
    }

    private void Exchange()
    {
        var now = Digest();
        if (now == _seen) return;
        _seen = now;
        if (CertificateLoader.TryLoad(FilesOf(_settings, _selfMade), _settings.Trust, out var material, out var problem)) _current = material!;
        else _warn($"TLS certificate not changed, the old one stays: {problem}");
    }

    private void TellEnds()
    {
        var now = _clock.GetUtcNow();
        if (now - _told < Day) return;
        var files = FilesOf(_settings, _selfMade);
        IEnumerable<(string File, DateTimeOffset At)> ends =
        [
            .. _current.Certificates.Select((c, i) => (files[i].Certificate, c.NotAfter)),
            .. (_current.Trust ?? []).Select(r => (_settings.Trust!, new DateTimeOffset(r.NotAfter))),
        ];
        foreach (var (file, at) in ends.Where(e => e.At - now < Notice))
        {
            _told = now;
            _warn(string.Create(CultureInfo.InvariantCulture, $"TLS certificate {file} ends on {at.UtcDateTime:u}: then nobody who checks it takes it any more."));
        }
    }

    /// <summary>Of the contents: links and times do not tell when a file behind a link was exchanged.</summary>
    private string Digest()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var files = FilesOf(_settings, _selfMade).SelectMany(f => new[] { f.Certificate, f.Key, f.Password }).Append(_settings.Trust);
        foreach (var path in files.Distinct())
        {
            if (path is null) continue;
            var bytes = ReadOrNothing(path);
            hash.AppendData(BitConverter.GetBytes(bytes.Length));
            hash.AppendData(bytes);
            CryptographicOperations.ZeroMemory(bytes);
        }

        return Convert.ToHexString(hash.GetHashAndReset());
    }

    private static byte[] ReadOrNothing(string path)
    {
        try
        {
            return File.ReadAllBytes(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }
}
