namespace ConfCluster.Actors.Settings;

/// <param name="KeyFile">The private key that signs heads; they are kept in the directory heads beside it.</param>
/// <param name="SignInterval">How often the journal is looked at.</param>
public sealed record AuditSettings(string KeyFile, TimeSpan SignInterval)
{
    internal static AuditSettings Read(SettingsScope read, string dataDirectory)
    {
        var file = read.Text("audit.key-file");
        return new AuditSettings(
            file.Length > 0 ? file : Path.Combine(dataDirectory, "audit", "key.pem"),
            read.Duration("audit.sign-interval", TimeSpan.FromMilliseconds(100), TimeSpan.FromHours(1)));
    }
}
