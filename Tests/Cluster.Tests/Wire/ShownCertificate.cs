using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;

namespace ConfCluster.Cluster.Tests.Wire;

/// <summary>Looks with which certificate a node answers another one.</summary>
internal static class ShownCertificate
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    /// <summary>Its thumbprint; empty: it showed none.</summary>
    public static async Task<string> OfAsync(IPEndPoint node)
    {
        using var caller = new TcpClient();
        await caller.ConnectAsync(node);
        var shown = "";
        await using var stream = new SslStream(caller.GetStream(), false, (_, certificate, _, _) =>
        {
            shown = (certificate as X509Certificate2)?.Thumbprint ?? "";
            return shown.Length > 0;
        });
        try
        {
            await stream.AuthenticateAsClientAsync("127.0.0.1").WaitAsync(Patience);
        }
        catch (IOException)
        {
            // It wants a certificate of us.
        }

        return shown;
    }
}
