using System.Collections.Immutable;
using System.CommandLine;
using System.Globalization;
using ConfCluster.Host.Api;
using ConfCluster.Host.Roles;
using ConfCluster.Protocols.Audit;

namespace ConfCluster.Host.Commands;

/// <summary>
/// <c>audit show | verify | exposure | export | key</c>: what happened to the keys of a conference, and whether that can be believed. Reads the data
/// directory of the settings, whether its node runs or not.
/// </summary>
internal static class AuditCommands
{
    public static Command Create() =>
        new("audit", "Look at what is stored of conferences and their keys, and prove it.") { Show(), AuditVerifyCommand.Create(), ExposureOf(), Export(), Key() };

    private static Command Show()
    {
        var (settings, name, json) = (new SettingsOptions(), NameArgument(), Output.JsonOption());
        var show = new Command("show", "What happened in a conference, step by step.") { name, json };
        settings.AddTo(show);
        show.SetAction(result => AuditDirectory.With(settings.Of(result), audit =>
            AuditDirectory.WithConference(audit, result.GetValue(name)!, view =>
        {
            if (result.GetValue(json)) Output.WriteJson(AuditApi.Details(view));
            else WriteTimeline(view);
            return ExitCode.Done;
        })));
        return show;
    }

    private static Command ExposureOf()
    {
        var (settings, json) = (new SettingsOptions(), Output.JsonOption());
        var name = new Option<string>("--conference") { Description = "The conference.", HelpName = "NAME", Required = true };
        var at = new Option<DateTimeOffset?>("--at")
        {
            Description = "Who could decrypt at that moment (2026-01-31T12:00:00Z); without it: how long somebody outside could.",
            HelpName = "TIME",
            CustomParser = argument =>
            {
                var text = argument.Tokens[0].Value;
                if (DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeLocal, out var time)) return time;
                argument.AddError($"'{text}' is no time such as 2026-01-31T12:00:00Z.");
                return null;
            },
        };
        var exposure = new Command("exposure", "Who could decrypt a conference, and for how long somebody outside could.") { name, at, json };
        settings.AddTo(exposure);
        exposure.SetAction(result => AuditDirectory.With(settings.Of(result), audit =>
            AuditDirectory.WithConference(audit, result.GetValue(name)!, view =>
        {
            if (result.GetValue(at) is { } moment) WriteReaders(view, moment, result.GetValue(json));
            else WriteExposure(view.Exposure(), result.GetValue(json));
            return ExitCode.Done;
        })));
        return exposure;
    }

    private static Command Export()
    {
        var (settings, name) = (new SettingsOptions(), NameArgument());
        var file = new Option<string>("--out") { Description = "Where to write it.", HelpName = "FILE", Required = true };
        var export = new Command("export", "Write a signed bundle that another machine verifies with the public key alone.") { name, file };
        settings.AddTo(export);
        export.SetAction(result => AuditDirectory.With(settings.Of(result), audit =>
            AuditDirectory.WithConference(audit, result.GetValue(name)!, view =>
        {
            if (audit.Export(view, out var problem) is not { } bundle) return Output.Fail(problem);
            File.WriteAllText(result.GetValue(file)!, bundle.Write());
            Console.Out.WriteLine($"{bundle.Records.Length} records of {view.Name} and {bundle.Heads.Length} signed heads are in {result.GetValue(file)}.");
            return ExitCode.Done;
        })));
        return export;
    }

    private static Command Key()
    {
        var settings = new SettingsOptions();
        var key = new Command("key", "Print the public key that verifies what this node signs.");
        settings.AddTo(key);
        key.SetAction(result => AuditDirectory.With(settings.Of(result), audit =>
        {
            if (audit.PublicKey(makeIt: true, out var problem) is not { } found) return Output.Fail(problem);
            Console.Out.Write(found.Pem());
            return ExitCode.Done;
        }));
        return key;
    }

    private static void WriteTimeline(AuditView view)
    {
        foreach (var line in AuditTimeline.Of(view.Records))
            Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{line.Number,5}  {Time(line.At)}  {line.Text}"));
        Console.Out.WriteLine(view.SignedTo == 0 ? "Nothing of it is signed yet." : $"Signed to record {view.SignedTo}.");
    }

    private static void WriteReaders(AuditView view, DateTimeOffset at, bool json)
    {
        var readers = Exposure.ReadersAt(view.Name, view.Records, at, view.Now);
        if (json) Output.WriteJson(new { conference = view.Name, at, readers });
        else if (readers.IsEmpty) Console.Out.WriteLine($"Nobody could decrypt {view.Name} at {Time(at)}.");
        else Output.Table(["Who", "By", "How", "Since"], readers.Select(r => new[] { r.Name, r.Epoch is { } e
            ? $"epoch {e}" : "its own key", How(r), Time(r.At) }));
    }

    private static void WriteExposure(ExposureSummary exposure, bool json)
    {
        if (json)
        {
            Output.WriteJson(ExposureDetails.Of(exposure));
            return;
        }

        Output.Table(["#", "Time", "Change", "Exposed for"], exposure.Changes.Select(c => new[]
        {
            c.Record.ToString(CultureInfo.InvariantCulture), Time(c.At), $"{c.Name} {(c.IsForward ? "left" : "joined")}", $"{Seconds(c.Time)}{(c.IsOpen
                ? ", and still" : "")}",
        }));
        Console.Out.WriteLine($"Longest after a leave {Seconds(exposure.LongestForward)}, before a join {Seconds(exposure.LongestBackward)}; "
            + (exposure.Bound is { } bound ? $"the rules allow {Seconds(bound)} after a leave." : "no group key was ever in use."));
    }

    private static string How(KeyReader reader) => reader.Standing switch
    {
        ReaderStanding.HadLeft => "OUTSIDE: had left",
        ReaderStanding.JoinedLater => "OUTSIDE: joined later",
        _ => "inside",
    };

    internal static Argument<string> NameArgument() => new("NAME") { Description = "The conference: the user part of its URI." };

    internal static string Time(DateTimeOffset at) => at.ToLocalTime().ToString("yyyy-MM-dd HH:mm:ss.fff", CultureInfo.InvariantCulture);

    private static string Seconds(TimeSpan time) => $"{time.TotalSeconds.ToString("0.0##", CultureInfo.InvariantCulture)} s";
}
