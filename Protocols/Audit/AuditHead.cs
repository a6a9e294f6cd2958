using System.Globalization;
using System.Text;

namespace ConfCluster.Protocols.Audit;

/// <summary>What the audit key signs: a conference had these records at that time.</summary>
/// <param name="Signature">Ed25519, 128 hex digits.</param>
public sealed record AuditHead(string Conference, long Number, string Hash, string At, string Signature)
{
    /// <summary>Lines, so that anybody's tool can verify it.</summary>
    internal byte[] SignedBytes() => Encoding.UTF8.GetBytes(string.Create(
        CultureInfo.InvariantCulture, $"confcluster audit head 1\n{Conference}\n{Number}\n{Hash}\n{At}\n"));
}
