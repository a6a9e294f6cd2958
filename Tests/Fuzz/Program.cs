using System.Globalization;
using ConfCluster.Fuzz;

// dotnet run --project Tests/Fuzz -- [--target NAME] [--seconds 10] [--seed N] [--input FILE] [--replay]
string? Option(string name) => Array.IndexOf(args, name) is >= 0 and var i && i + 1 < args.Length ? args[i + 1] : null;

var targets = typeof(IFuzzTarget).Assembly.GetTypes()
    .Where(t => t is { IsClass: true, IsAbstract: false } && t.IsAssignableTo(typeof(IFuzzTarget)))
    .Select(t => (IFuzzTarget)Activator.CreateInstance(t)!)
    .Where(t => Option("--target") is not { } name || t.Name == name)
    .OrderBy(t => t.Name, StringComparer.Ordinal)
    .ToList();
if (targets.Count == 0)
{
    Console.Error.WriteLine($"No target {Option("--target")}.");
    return 2;
}

if (Option("--input") is { } file)
{
    foreach (var target in targets) target.Run(File.ReadAllBytes(file));
    return 0;
}

if (args.Contains("--replay"))
{
    // All of them, also after a find.
    var found = targets.Where(t => !FuzzRun.Replay(t, Console.Out)).ToList();
    Console.WriteLine($"{targets.Sum(t => t.Seeds.Count())} inputs of {targets.Count} targets replayed, {found.Count} targets with a find");
    return found.Count == 0 ? 0 : 1;
}

var seconds = double.Parse(Option("--seconds") ?? "10", CultureInfo.InvariantCulture);
var seed = Option("--seed") is { } text ? int.Parse(text, CultureInfo.InvariantCulture) : Environment.TickCount & int.MaxValue;
Console.WriteLine($"seed {seed}");
var clean = true;
foreach (var target in targets) clean &= FuzzRun.Of(target, TimeSpan.FromSeconds(seconds), seed, Console.Out);
return clean ? 0 : 1;
