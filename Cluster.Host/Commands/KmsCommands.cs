using System.CommandLine;
using System.Security.Cryptography;
using ConfCluster.Actors.Keys;
using ConfCluster.Protocols.Mikey.Kms;
using ConfCluster.Protocols.Wire;

namespace ConfCluster.Host.Commands;

/// <summary>
/// <c>kms user add|list|remove|revoke</c>: who gets and resolves tickets; <c>psk user …</c>: who shares a key with the focus itself. Both work on files that a
/// running node reads again by itself.
/// </summary>
internal sealed class KmsCommands
{
    private readonly bool _isKms;

    private KmsCommands(bool isKms) => _isKms = isKms;

    public static Command Create()
    {
        var kms = new KmsCommands(isKms: true);
        return new Command("kms", "The key management server.")
        {
            new Command("user", "Say who has a key at the KMS.")
            {
                kms.Add(), kms.List(), kms.Change("remove", "Remove a user."), kms.Change("revoke", "Refuse a user, and whatever tickets it asked for."),
            },
        };
    }

    public static Command CreatePreShared()
    {
        var focus = new KmsCommands(isKms: false);
        return new Command("psk", "Keys that phones share with the conference itself (MIKEY without a KMS).")
        {
            new Command("user", "Say who shares a key with the conference.")
            {
                focus.Add(), focus.List(), focus.Change("remove", "Remove a user."), focus.Change("revoke", "Refuse a user."),
            },
        };
    }

    private string Owner => _isKms ? "The KMS" : "The conference";

    private Command Add()
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
            Description = "Whose tickets it may resolve beside its own, and in whose name it may ask for some: a URI, or sip:*@HOST; for a focus the names of "
                + "its conferences. May be repeated.",
            HelpName = "PATTERN",
        };
        answers.Validators.Add(r =>
        {
            if (r.GetValueOrDefault<string[]>() is { } given && !given.All(KmsUserTable.IsName)) r.AddError("A pattern is a URI, or sip:*@HOST.");
        });
        var what = _isKms ? "Add a user with a new key or a certificate, or give one a new key." : "Add a user with a new key, or give one a new key.";
        var add = new Command("add", what) { name, file, certificate, answers };
        if (!_isKms)
        {
            add.Options.Remove(certificate);
            add.Options.Remove(answers);
        }

        add.Validators.Add(r =>
        {
            if (!_isKms)
            {
                if (r.GetValue(file) is null) r.AddError("A user has --psk-file FILE.");
            }
            else if (r.GetValue(file) is null != r.GetValue(certificate)) r.AddError("A user has either --psk-file FILE or --certificate.");
        });
        settings.AddTo(add);
        add.SetAction(result => WithFile(settings.Of(result), (store, key, users) =>
        {
            var user = result.GetValue(name)!;
            if (result.GetValue(file) is not { } path)
            {
                var certified = users.With(new KmsUser(user, null, [.. result.GetValue(answers) ?? []], IsRevoked: false));
                return Saved(store, certified, key, $"{user} proves itself with a certificate.");
            }

            using var psk = SecretBytes.Create(KmsUserTable.PskLength, RandomNumberGenerator.Fill);
            if (SecretFile.Write(path, psk, overwrite: false) is { } unwritten) return Output.Fail(unwritten);
            var added = users.With(new KmsUser(user, psk.Copy(), _isKms ? [.. result.GetValue(answers) ?? []] : [], IsRevoked: false));
            return Saved(store, added, key, $"{user} has a key, which is in {path}.");
        }));
        return add;
    }

    private Command Change(string verb, string description)
    {
        var (settings, name) = (new SettingsOptions(), NameArgument());
        var change = new Command(verb, description) { name };
        settings.AddTo(change);
        change.SetAction(result => WithFile(settings.Of(result), (store, key, users) =>
        {
            if (users.Find(result.GetValue(name)!) is not { } user) return Output.Fail($"{Owner} has no user {result.GetValue(name)}.");
            return verb == "remove"
                ? Saved(store, users.Without(user.Name), key, $"{user.Name} is removed.")
                : Saved(store, users.With(user with { IsRevoked = true }), key, $"{user.Name} is revoked.");
        }));
        return change;
    }

    private Command List()
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

    private int WithFile(ConfiguredSettings configured, Func<string, SecretBytes, KmsUserTable, int> act)
    {
        if (configured.Settings is not { } settings) return Output.Fail($"The settings are not sound: {configured.Problems[0]}");
        var (file, keyFile) = _isKms ? (settings.Kms.UserFile, settings.Kms.KeyFile) : (settings.PreShared.UserFile, settings.PreShared.KeyFile);
        using var key = SecretFile.Open(keyFile, KmsUserTable.KeyLength, out var problem);
        if (key is null) return Output.Fail(problem);
        if (!KmsUserFile.TryRead(file, key, out var users, out problem)) return Output.Fail(problem);
        using (users) return act(file, key, users!);
    }

    private static int Saved(string file, KmsUserTable users, SecretBytes key, string sentence)
    {
        if (KmsUserFile.Save(file, users, key) is { } problem) return Output.Fail(problem);
        Console.Out.WriteLine(sentence);
        return ExitCode.Done;
    }

    private static Argument<string> NameArgument()
    {
        var name = new Argument<string>("URI") { Description = "How the user is known, as in its From: sip:alice@example.com." };
        name.Validators.Add(r =>
        {
            if (!KmsUserTable.IsName(r.GetValueOrDefault<string>() ?? "")) r.AddError("A user is named by a URI without spaces.");
        });
        return name;
    }
}
