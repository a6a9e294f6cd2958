using System.Collections.Immutable;
using System.CommandLine;
using ConfCluster.Host.Roles;
using ConfCluster.Protocols.Audit;

namespace ConfCluster.Host.Commands;

/// <summary>
/// <c>audit verify [NAME] [--bundle FILE] [--key FILE]</c>: the chain, what was signed, and the rules about keys. A bundle alone is judged without
/// any data directory; with a name, the journal is held against the heads in it.
/// </summary>
internal static class AuditVerifyCommand
{
    public static Command Create()
    {
        var settings = new SettingsOptions();
        var name = new Argument<string?>("NAME") { Description = "One conference; without it: all.", Arity = ArgumentArity.ZeroOrOne };
        var bundle = new Option<string?>("--bundle")
        {
            Description = "A bundle that audit export wrote; with a name, its heads are held against the journal.",
            HelpName = "FILE",
        };
        var key = new Option<string?>("--key") { Description = "The public key, as audit key prints it; needed for a bundle alone.", HelpName = "FILE" };
        var json = Output.JsonOption();
        var verify = new Command(
            "verify", "Find whatever was changed, and whatever broke the rules about keys; exit 1 when there is something.") { name, bundle, key, json };
        settings.AddTo(verify);
        verify.SetAction(result => AuditDirectory.With(settings.Of(result), audit =>
            Verify(audit, result.GetValue(name)?.ToLowerInvariant(), result.GetValue(bundle), result.GetValue(key), result.GetValue(json))));
        return verify;
    }

    private static int Verify(AuditReading audit, string? name, string? bundleFile, string? keyFile, bool json)
    {
        AuditBundle? bundle = null;
        if (bundleFile is not null && !AuditBundle.TryRead(File.ReadAllText(bundleFile), out bundle, out var unread)) return Output.Fail($"{bundleFile}: {unread}");
        AuditPublicKey? key = null;
        if (keyFile is not null && !AuditPublicKey.TryRead(File.ReadAllText(keyFile), out key)) return Output.Fail($"{keyFile} is no Ed25519 public key in PEM.");
        if (bundle is not null && name is null)
        {
            if (key is null) return Output.Fail("A bundle is verified with a public key that you have from elsewhere: --key FILE.");
            return Say([new Verdict(bundle.Conference, bundle.Records.Length, bundle.Heads.Select(h =>
                h.Number).DefaultIfEmpty().Max(), bundle.Verify(key))], json);
        }

        key ??= audit.PublicKey(makeIt: false, out var problem) ?? (problem.Length > 0 ? null : AuditPublicKey.None);
        if (key is null) return Output.Fail("The audit key cannot be read; give the public one with --key FILE.");
        var views = (name is null ? audit.Conferences() : [name]).Select(audit.View).ToList();
        if (name is not null && views[0].Records.IsEmpty && views[0].Heads.IsEmpty) return Output.Fail($"There never was a conference {name}.");
        return Say([.. views.Select(v => new Verdict(v.Name, v.Records.Length, v.SignedTo, v.Verify(bundle?.Heads ?? [], key)))], json);
    }

    private static int Say(ImmutableArray<Verdict> verdicts, bool json)
    {
        if (json) Output.WriteJson(verdicts);
        else
        {
            foreach (var verdict in verdicts) Write(verdict);
            if (verdicts.IsEmpty) Console.Out.WriteLine("There never was a conference.");
        }

        return verdicts.All(v => v.Violations.IsEmpty) ? ExitCode.Done : ExitCode.Failed;
    }

    private static void Write(Verdict verdict)
    {
        var signed = verdict.SignedTo == 0 ? "nothing signed yet" : verdict.SignedTo < verdict.Records
            ? $"signed to record {verdict.SignedTo}" : "all signed";
        Console.Out.WriteLine($"{verdict.Conference}: {verdict.Records} records, {signed}: "
            + (verdict.Violations.IsEmpty ? "the chain, the heads and the rules K1 to K7 hold." : $"{verdict.Violations.Length} VIOLATIONS"));
        if (!verdict.Violations.IsEmpty)
            Output.Table(["#", "Rule", "Who", "What"], verdict.Violations.Select(v =>
                new[] { $"{v.Record}", $"{v.Rule}", v.Who ?? "", v.Text }));
    }

    private sealed record Verdict(string Conference, int Records, long SignedTo, ImmutableArray<AuditViolation> Violations);
}
