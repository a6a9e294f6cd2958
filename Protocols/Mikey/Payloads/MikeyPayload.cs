namespace ConfCluster.Protocols.Mikey.Payloads;

/// <summary>One payload of a message. Its number and the one of the next payload are the writer's business.</summary>
public abstract record MikeyPayload
{
    private protected MikeyPayload()
    {
    }

    public abstract PayloadType Number { get; }

    /// <summary>Everything behind the octet that names the next payload.</summary>
    internal abstract void WriteBody(OctetWriter writer);
}
