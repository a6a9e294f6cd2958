using System.CommandLine;
using ConfCluster.Actors.Settings;
using ConfCluster.Actors.Sip;
using ConfCluster.Protocols.Sip.Authentication;

namespace ConfCluster.Host.Commands;

/// <summary><c>user add|list|remove</c>: who may call. Works on the file that a running node reads again by itself.</summary>
internal static class UserCommands
{
    public static Command Create()
    {
        var users = new Command("user", "Say who may call.") { Add(), List(), Remove() };
        return users;
    }

    private static Command Add()
    {
        var (settings, name, realm) = (new SettingsOptions(), NameArgument(), RealmOption());
        var file = PasswordInput.FileOption();
        var add = new Command("add", "Add somebody, or change the password; only hashes of it are kept.") { name, realm, file };
        settings.AddTo(add);
        add.SetAction(result => WithFile(settings.Of(result), result.GetValue(realm), (auth, table, inRealm) =>
        {
            using var password = PasswordInput.Read(result.GetValue(file), out var problem);
            if (password is null) return Output.Fail(problem);
            using var next = table.With(result.GetValue(name)!, inRealm, password);
            return Saved(auth.UserFile, next, $"{result.GetValue(name)} may call in realm {inRealm}.");
        }));
        return add;
    }

    private static Command Remove()
    {
        var (settings, name, realm) = (new SettingsOptions(), NameArgument(), RealmOption());
        var remove = new Command("remove", "Remove somebody.") { name, realm };
        settings.AddTo(remove);
        remove.SetAction(result => WithFile(settings.Of(result), result.GetValue(realm), (auth, table, inRealm) =>
        {
            var user = new UserName(inRealm, result.GetValue(name)!);
            var isConfigured = auth.Users.Users.Contains(user);
            if (!table.Users.Contains(user))
                return Output.Fail(isConfigured ? $"{user.Name} is in the settings (auth.users): remove it there." : $"There is no {user.Name} in realm {inRealm}.");
            using var next = table.Without(user);
            return Saved(
                auth.UserFile, next, $"{user.Name} of realm {inRealm} is removed{(isConfigured ? " from the file, and still in the settings (auth.users)" : "")}.");
        }));
        return remove;
    }

    private static Command List()
    {
        var (settings, json) = (new SettingsOptions(), Output.JsonOption());
        var list = new Command("list", "Show who may call.") { json };
        settings.AddTo(list);
        list.SetAction(result => WithFile(settings.Of(result), null, (auth, table, _) =>
        {
            using var all = table.Over(auth.Users);
            var users = all.Users.Select(u => (u.Name, u.Realm, From: table.Users.Contains(u) ? "file" : "settings")).ToList();
            if (result.GetValue(json)) Output.WriteJson(users.Select(u => new { u.Name, u.Realm, u.From }));
            else Output.Table(["User", "Realm", "From"], users.Select(u => new[] { u.Name, u.Realm, u.From }));
            return ExitCode.Done;
        }));
        return list;
    }

    private static int WithFile(ConfiguredSettings configured, string? realm, Func<AuthSettings, UserTable, string, int> act)
    {
        if (configured.Settings is not { Auth: var auth })
            return Output.Fail($"The settings are not sound: {configured.Problems[0]}");
        if (!UserFile.TryRead(auth.UserFile, out var table, out var problem)) return Output.Fail(problem);
        using (table) return act(auth, table!, realm ?? auth.Policy.Realm);
    }

    private static int Saved(string path, UserTable table, string sentence)
    {
        if (UserFile.Save(path, table) is { } problem) return Output.Fail(problem);
        Console.Out.WriteLine(sentence);
        return ExitCode.Done;
    }

    private static Argument<string> NameArgument()
    {
        var name = new Argument<string>("NAME") { Description = "The user name that the phone authenticates with." };
        name.Validators.Add(r => Check(r.GetValueOrDefault<string>(), r.AddError));
        return name;
    }

    private static Option<string?> RealmOption()
    {
        var realm = new Option<string?>("--realm") { Description = "Of the password; without it: auth.realm of the settings.", HelpName = "REALM" };
        realm.Validators.Add(r => Check(r.GetValueOrDefault<string?>() ?? "x", r.AddError));
        return realm;
    }

    private static void Check(string text, Action<string> refuse)
    {
        if (!UserTable.IsName(text)) refuse($"'{text}' has a colon, a quote or another character that a name cannot have.");
    }
}
