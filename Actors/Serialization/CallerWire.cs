using ConfCluster.Actors.Serialization.Proto;
using ConfCluster.Protocols.Sip.Authentication;

namespace ConfCluster.Actors.Serialization;

/// <summary>Who is calling; absent in what was written before anybody asked.</summary>
internal static class CallerWire
{
    public static CallerProto? Write(CallerIdentity? caller) =>
        caller is null ? null : new CallerProto { Name = caller.Name, Proof = (uint)caller.Proof, IsPrivate = caller.IsPrivate };

    public static CallerIdentity? Read(CallerProto? p) => p is null ? null : new CallerIdentity(p.Name, (IdentityProof)p.Proof, p.IsPrivate);
}
