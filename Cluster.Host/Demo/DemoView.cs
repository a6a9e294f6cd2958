using System.Globalization;
using ConfCluster.Actors.Conference;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace ConfCluster.Host.Demo;

/// <summary>Where the demo shows itself while it runs.</summary>
internal interface IDemoView
{
    void Show(IReadOnlyList<DemoMoment> news, DemoStory story, ConferenceView? conference);
}

/// <summary>A line for each moment; for files and pipes.</summary>
internal sealed class DemoLines(TextWriter output) : IDemoView
{
    public void Show(IReadOnlyList<DemoMoment> news, DemoStory story, ConferenceView? conference)
    {
        foreach (var moment in news)
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{moment.At.TotalSeconds,7:0.00} s  {(moment.IsKey ? "    " : "")}{moment.Text}"));
    }
}

/// <summary>Phones with the keys that they are under, and what happened last; for a terminal.</summary>
internal sealed class DemoScreen(LiveDisplayContext screen) : IDemoView
{
    private const int Moments = 16;

    public void Show(IReadOnlyList<DemoMoment> news, DemoStory story, ConferenceView? conference)
    {
        screen.UpdateTarget(Picture(story, conference));
        screen.Refresh();
    }

    public static IRenderable Picture(DemoStory story, ConferenceView? conference)
    {
        var phones = new Table { Border = TableBorder.Rounded, Title = new TableTitle("[bold]Who is in[/]") };
        phones.AddColumns("Phone", "Says", "Is sent media under", "Was offered");
        foreach (var (name, tone) in DemoScript.Tones)
        {
            var found = conference?.Participants.FirstOrDefault(p => p.Identity.Contains($":{name}@", StringComparison.Ordinal));
            var key = found is null ? "[grey]not here[/]" : found.Key?.InUse is { } epoch ? $"[{Color(epoch.Number)}]● {epoch}[/]" : "[grey]its own key[/]";
            var offer = found?.Key?.Offered is { } offered ? $"[{Color(offered.Number)}]{offered}[/]" : "";
            phones.AddRow(name, string.Create(CultureInfo.InvariantCulture, $"{tone} Hz"), key, offer);
        }

        var moments = story.Moments.TakeLast(Moments).Select(m => new Markup(string.Create(
            CultureInfo.InvariantCulture, $"[grey]{m.At.TotalSeconds,7:0.00} s[/]  {(m.IsKey ? "    [yellow]" : "[bold]")}{Markup.Escape(m.Text)}[/]")));
        return new Rows([phones, .. moments]);
    }

    private static string Color(uint epoch) => (epoch % 6) switch { 0 => "aqua", 1 => "green", 2 => "yellow", 3 => "fuchsia", 4 => "blue", _ => "red" };
}
