using ConfCluster.Protocols.Focus;
using ConfCluster.Protocols.Mikey.Kms;

namespace ConfCluster.Actors.Settings;

/// <summary>Users who share a key with the focus (RFC 3830 §3.1).</summary>
/// <param name="KeyFile">Wraps their keys; the same on all nodes with the role focus.</param>
/// <param name="Identity">Whom they know the focus as, when it calls.</param>
/// <param name="Offers">Of our own first offers, to whom such a key is shared with.</param>
public sealed record PreSharedSettings(bool IsEnabled, string UserFile, string KeyFile, string Identity, TicketOffers Offers, int MaxReplays)
{
    internal static PreSharedSettings Read(SettingsScope read, string dataDirectory)
    {
        var identity = read.Text("pre-shared.identity");
        if (!KmsUserTable.IsName(identity)) read.Refuse("pre-shared.identity", identity, "a URI", "");
        return new PreSharedSettings(
            read.Switch("pre-shared.enabled"), PathOf("pre-shared.user-file", "users"), PathOf("pre-shared.key-file", "key"), identity,
            read.OneOf("pre-shared.offers", ("never", TicketOffers.Never), ("beside", TicketOffers.Beside), ("only", TicketOffers.Only)),
            read.Number("pre-shared.max-replays", 100, 10_000_000));

        string PathOf(string path, string name) => read.Text(path) is { Length: > 0 } file ? file : Path.Combine(dataDirectory, "pre-shared", name);
    }
}
