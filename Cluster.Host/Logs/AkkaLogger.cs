using Akka.Actor;
using Akka.Dispatch;
using Akka.Event;
using Akka.Hosting.Logging;

namespace ConfCluster.Host.Logs;

/// <summary>Brings what actors log into the node's log. What Akka says of itself below WARNING stays out.</summary>
public sealed class AkkaLogger : ReceiveActor, IRequiresMessageQueue<ILoggerMessageQueueSemantics>
{
    private const string OwnTypes = "ConfCluster.";

    public AkkaLogger()
    {
        var setup = Context.System.Settings.Setup.Get<LoggerFactorySetup>();
        var logger = setup.Value.LoggerFactory.CreateLogger("Akka");
        Receive<LogEvent>(e => Write(logger, e));
        Receive<InitializeLogger>(_ => Sender.Tell(new LoggerInitialized()));
    }

    private static void Write(ILogger logger, LogEvent entry)
    {
        var own = entry.LogClass?.FullName?.StartsWith(OwnTypes, StringComparison.Ordinal) ?? false;
        if (!own && entry.LogLevel() < Akka.Event.LogLevel.WarningLevel) return;
        var level = entry.LogLevel() switch
        {
            Akka.Event.LogLevel.DebugLevel => Microsoft.Extensions.Logging.LogLevel.Debug,
            Akka.Event.LogLevel.InfoLevel => Microsoft.Extensions.Logging.LogLevel.Information,
            Akka.Event.LogLevel.WarningLevel => Microsoft.Extensions.Logging.LogLevel.Warning,
            _ => Microsoft.Extensions.Logging.LogLevel.Error,
        };
        logger.Log(level, entry.Cause, "{Event}", entry.Message?.ToString());
    }
}
