using System.Net;

namespace ConfCluster.Actors.Settings;

/// <summary>Where a KMS is.</summary>
public static class KmsUrl
{
    /// <summary>Whether nobody on the way can read along: HTTPS, or HTTP within this machine.</summary>
    public static bool IsProtected(Uri url)
    {
        ArgumentNullException.ThrowIfNull(url);
        var host = url.IdnHost.Trim('[', ']');
        return url.Scheme == Uri.UriSchemeHttps || host == "localhost" || (IPAddress.TryParse(host, out var address) && IPAddress.IsLoopback(address));
    }
}
