using ConfCluster.Actors.Keys;
using ConfCluster.Actors.Settings;
using Microsoft.AspNetCore.Server.Kestrel.Https;

namespace ConfCluster.Host.Roles;

/// <summary>The address where the KMS is asked over HTTPS. Nothing but <c>/mikey</c> is there.</summary>
internal static class KmsListener
{
    public static void Add(WebApplicationBuilder builder, KmsSettings settings)
    {
        builder.Services.AddSingleton(services =>
        {
            var log = services.GetRequiredService<ILogger<KmsTls>>();
            return KmsTls.Open(settings, TimeProvider.System, warning => log.LogWarning("{Warning}", warning), out var problem)
                ?? throw new InvalidOperationException(problem);
        });
        builder.WebHost.UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel =>
        {
            var tls = kestrel.ApplicationServices.GetRequiredService<KmsTls>();
            kestrel.Listen(settings.Https!.Listen, listener =>
            {
                listener.Use(next => connection =>
                {
                    connection.Features.Set(OnlyKms.Instance);
                    return next(connection);
                });
                listener.UseHttps(new TlsHandshakeCallbackOptions
                {
                    HandshakeTimeout = settings.Https.HandshakeTimeout,
                    OnConnection = hello => ValueTask.FromResult(tls.OptionsFor(hello.ClientHelloInfo.ServerName)),
                });
            });
        });
    }

    /// <summary>The management API is not for whoever may ask for a ticket.</summary>
    public static void Guard(WebApplication app) => app.Use((http, next) =>
    {
        if (http.Features.Get<OnlyKms>() is null || http.Request.Path.Equals("/mikey")) return next(http);
        http.Response.StatusCode = StatusCodes.Status404NotFound;
        return Task.CompletedTask;
    });

    /// <summary>A mark on a connection.</summary>
    private sealed class OnlyKms
    {
        public static readonly OnlyKms Instance = new();
    }
}
