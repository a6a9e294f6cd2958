using System.CommandLine;
using System.Security.Cryptography;
using ConfCluster.Actors.Keys;
using ConfCluster.Actors.Settings;
using ConfCluster.Protocols.Mikey.Kms;
using ConfCluster.Protocols.Wire;

namespace ConfCluster.Host.Commands;

/// <summary><c>kms user add|list|remove|revoke</c>: who gets and resolves tickets. Works on the file that a running KMS reads again by itself.</summary>
internal static class KmsCommands
{
    public static Command Create() => new("kms", "The key management server.")
    {
        new Command("user", "Say who has a key at the KMS.")
        {
            Add(), List(), Change("remove", "Remove a user."), Change("revoke", "Refuse a user, and whatever tickets it asked for."),
        },
    };

    private static Command Add()
    {
        var (settings, name) = (new SettingsOptions(), NameArgument());
        var file = new Option<string?>("--psk-file")
        {
            Description = "Where the new key is written for the user, in hexadecimal; take it there and remove it here.",
            HelpName = "FILE",
        };
        var certificate = new Option<bool>("--certificate") { Description = "It has a certificate with this URI, from a root of kms.trust-file, and no key here." };
        var answers = new Option<string[]>("--answers")
        {
            Description = "Whose tickets it may resolve beside its own: a URI, or sip:*@HOST; for a focus the names of its conferences. May be repeated.",
            HelpName = "PATTERN",
        };
        answers.Validators.Add(r =>
        {
            if (r.GetValueOrDefault<string[]>() is { } given && !given.All(KmsUserTable.IsName)) r.AddError("A pattern is a URI, or sip:*@HOST.");
        });
        var add = new Command("add", "Add a user with a new key or a certificate, or give one a new key.") { name, file, certificate, answers };
        add.Validators.Add(r =>
        {
            if (r.GetValue(file) is null != r.GetValue(certificate)) r.AddError("A user has either --psk-file FILE or --certificate.");
        });
        settings.AddTo(add);
        add.SetAction(result => WithFile(settings.Of(result), (kms, key, users) =>
        {
            var user = result.GetValue(name)!;
            if (result.GetValue(file) is not { } path)
            {
                var certified = users.With(new KmsUser(user, null, [.. result.GetValue(answers) ?? []], IsRevoked: false));
                return Saved(kms, certified, key, $"{user} proves itself with a certificate.");
            }

            using var psk = SecretBytes.Create(KmsUserTable.PskLength, RandomNumberGenerator.Fill);
            if (SecretFile.Write(path, psk, overwrite: false) is { } unwritten) return Output.Fail(unwritten);
            var added = users.With(new KmsUser(user, psk.Copy(), [.. result.GetValue(answers) ?? []], IsRevoked: false));
            return Saved(kms, added, key, $"{user} has a key, which is in {path}.");
        }));
        return add;
    }

    private static Command Change(string verb, string description)
    {
        var (settings, name) = (new SettingsOptions(), NameArgument());
        var change = new Command(verb, description) { name };
        settings.AddTo(change);
        change.SetAction(result => WithFile(settings.Of(result), (kms, key, users) =>
        {
            if (users.Find(result.GetValue(name)!) is not { } user) return Output.Fail($"The KMS has no user {result.GetValue(name)}.");
            return verb == "remove"
                ? Saved(kms, users.Without(user.Name), key, $"{user.Name} is removed.")
                : Saved(kms, users.With(user with { IsRevoked = true }), key, $"{user.Name} is revoked.");
        }));
        return change;
    }

    private static Command List()
    {
        var (settings, json) = (new SettingsOptions(), Output.JsonOption());
        var list = new Command("list", "Show who has a key.") { json };
        settings.AddTo(list);
        list.SetAction(result => WithFile(settings.Of(result), (_, _, users) =>
        {
            var all = users.Users.Select(u => new
            {
                u.Name,
                Proof = u.Psk is null ? "certificate" : "key",
                State = u.IsRevoked ? "revoked" : "active",
                Answers = u.Answers.ToArray(),
            }).ToList();
            if (result.GetValue(json)) Output.WriteJson(all);
            else Output.Table(["User", "Proof", "State", "Answers for"], all.Select(u => new[] { u.Name, u.Proof, u.State, string.Join(' ', u.Answers) }));
            return ExitCode.Done;
        }));
        return list;
    }

    private static int WithFile(ConfiguredSettings configured, Func<KmsSettings, SecretBytes, KmsUserTable, int> act)
    {
        if (configured.Settings is not { Kms: var kms }) return Output.Fail($"The settings are not sound: {configured.Problems[0]}");
        using var key = SecretFile.Open(kms.KeyFile, KmsUserTable.KeyLength, out var problem);
        if (key is null) return Output.Fail(problem);
        if (!KmsUserFile.TryRead(kms.UserFile, key, out var users, out problem)) return Output.Fail(problem);
        using (users) return act(kms, key, users!);
    }

    private static int Saved(KmsSettings kms, KmsUserTable users, SecretBytes key, string sentence)
    {
        if (KmsUserFile.Save(kms.UserFile, users, key) is { } problem) return Output.Fail(problem);
        Console.Out.WriteLine(sentence);
        return ExitCode.Done;
    }

    private static Argument<string> NameArgument()
    {
        var name = new Argument<string>("URI") { Description = "Whom the KMS knows the user as: sip:alice@example.com." };
        name.Validators.Add(r =>
        {
            if (!KmsUserTable.IsName(r.GetValueOrDefault<string>() ?? "")) r.AddError("A user of the KMS is named by a URI without spaces.");
        });
        return name;
    }
}
