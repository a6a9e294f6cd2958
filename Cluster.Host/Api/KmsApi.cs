using System.Buffers;
using System.Diagnostics;
using System.Net;
using System.Security.Cryptography;
using System.Text.Json;
using ConfCluster.Actors.Keys;
using ConfCluster.Actors.Settings;
using ConfCluster.Protocols.Mikey;
using ConfCluster.Protocols.Mikey.Exchanges;
using ConfCluster.Protocols.Mikey.Payloads;
using ConfCluster.Protocols.Sip.Admission;

namespace ConfCluster.Host.Api;

/// <summary>
/// <c>POST /mikey</c>: one message of application/mikey to the KMS and one back (RFC 3830 §10). Whatever the KMS thinks of it is in the MIKEY
/// message; a status other than 200 means that it never looked.
/// </summary>
internal sealed class KmsApi(KmsSettings settings, KeyManagementServer server, ILogger<KmsApi> log)
{
    private const int MaxSources = 4096;
    private readonly Lock _one = new();
    private readonly SourceBuckets _buckets = new(settings.Rate, MaxSources, BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(8)));
    private readonly long _start = Stopwatch.GetTimestamp();

    public static void Map(IEndpointRouteBuilder routes) =>
        routes.MapPost("/mikey", (HttpContext http, KmsApi api) => api.AnswerAsync(http));

    private async Task<IResult> AnswerAsync(HttpContext http)
    {
        var source = http.Connection.RemoteIpAddress ?? IPAddress.None;
        if (!MayAsk(source)) return Results.StatusCode(StatusCodes.Status429TooManyRequests);
        if (http.Request.ContentType?.Split(';')[0].Trim() is not KmsHttp.MediaType) return Results.StatusCode(StatusCodes.Status415UnsupportedMediaType);
        var buffer = ArrayPool<byte>.Shared.Rent(MikeyReader.MaxLength + 1);
        try
        {
            var length = await http.Request.Body.ReadAtLeastAsync(buffer, MikeyReader.MaxLength + 1, throwOnEndOfStream: false, http.RequestAborted);
            if (length > MikeyReader.MaxLength) return Results.StatusCode(StatusCodes.Status413PayloadTooLarge);
            var answer = server.Answer(buffer.AsSpan(0, length), out var complaint);
            if (complaint is not null) log.LogWarning("{Complaint}", complaint);
            WriteDown(source, buffer.AsSpan(0, length), answer);
            return answer.Response is { } response ? Results.Bytes(response.Span.ToArray(), KmsHttp.MediaType) : Results.StatusCode(StatusCodes.Status400BadRequest);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private bool MayAsk(IPAddress source)
    {
        lock (_one) return _buckets.TryTake(SourceKey.Of(source), Stopwatch.GetElapsedTime(_start));
    }

    /// <summary>Who asked for what, and what came of it; no key and no ticket.</summary>
    private void WriteDown(IPAddress source, ReadOnlySpan<byte> message, KmsAnswer answer)
    {
        var asked = MikeyReader.TryRead(message, out var init, out _) ? init!.Header.Type : (MessageType?)null;
        var policy = answer.Ticket?.Policy;
        var line = JsonSerializer.Serialize(new
        {
            At = DateTimeOffset.UtcNow,
            Source = source.ToString(),
            Message = asked?.ToString(),
            User = answer.User?.ToString(),
            Result = answer.Error.ToString(),
            Initiator = policy?.Initiator?.ToString(),
            Responders = policy?.Responders.Select(r => r.ToString()),
            ValidUntil = policy?.TimeOf(TimestampRole.End)?.ToTime(),
        });
        log.LogInformation("KMS {Message} of {User}: {Result}", asked, answer.User, answer.Error);
        try
        {
            lock (_one)
            {
                if (Path.GetDirectoryName(Path.GetFullPath(settings.AuditFile)) is { } folder) Directory.CreateDirectory(folder);
                File.AppendAllText(settings.AuditFile, line + "\n");
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            log.LogError("The KMS's audit {File} cannot be written: {Message}", settings.AuditFile, e.Message);
        }
    }
}
