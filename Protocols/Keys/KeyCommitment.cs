namespace ConfCluster.Protocols.Keys;

/// <summary>A digest that proves which key it was without showing it.</summary>
/// <param name="Suite">The name of the crypto suite that the key is for.</param>
/// <param name="Digest">SHA-256, 64 hex digits.</param>
public readonly record struct KeyCommitment(string Suite, string Digest);
