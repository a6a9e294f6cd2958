using ConfCluster.Protocols.Mikey.Payloads;
using ConfCluster.Protocols.Wire;

namespace ConfCluster.Protocols.Mikey;

/// <summary>Whether a MAC is right, for somebody who looks on: one message, the key, and what was said before it in the exchange or the bundle.</summary>
public static class MikeyCheck
{
    /// <summary>
    /// The key is the PSK or envelope key; for TRANSFER_INIT MPKi; for TRANSFER_RESP and CSB updates MPKi, or with key forking MPKr' of who answers. Null:
    /// it takes more than there is (a response covers the message before it, an update is under keys of the transfer, a signature has no key of this kind).
    /// </summary>
    /// <param name="before">Earlier messages, the oldest first; those of other bundles are passed over.</param>
    public static bool? Of(MikeyMessage message, SecretBytes key, params ReadOnlySpan<Octets> before)
    {
        ArgumentNullException.ThrowIfNull(message);
        if (MikeySuite.Of(message.Header.Prf) is not { } suite) return null;
        var known = new List<(MikeyMessage Message, Octets Sent)>();
        foreach (var octets in before)
            if (MikeyReader.TryRead(octets.Span, out var read, out _) && read!.CsbId == message.CsbId && read.Header.Prf == message.Header.Prf)
                known.Add((read, octets));
        if (Covers(message, known) is not { } covers) return null;
        using var keys = MessageKeys.Derive(suite, key, covers.Label);
        return MikeyMac.IsRight(message, keys, covers.More);
    }

    /// <summary>RFC 6043 §5.5, RFC 3830 §5.2: under which keys, and what the MAC goes over behind the message.</summary>
    private static (Octets Label, Octets[] More)? Covers(MikeyMessage message, List<(MikeyMessage Message, Octets Sent)> before)
    {
        var asked = before.FindLast(b => b.Message.Header.Type is not (MessageType.Error or MessageType.TransferResponse or MessageType.PreSharedVerification));
        return message.Header.Type switch
        {
            MessageType.PreShared when Rand([.. before.Select(b => b.Message), message]) is { } rand => (KeyLabel.Message3830(message.CsbId, rand), []),
            MessageType.PreSharedVerification when asked.Message is { Header.Type: MessageType.PreShared } init => Verification(init, before),
            MessageType.TransferInit when message.First<Ticket>() is null => Update(message, before),
            MessageType.RequestInitPsk or MessageType.ResolveInitPsk or MessageType.TransferInit => Initial(message),
            MessageType.RequestResponse when asked.Message is { Header.Type: MessageType.RequestInitPsk or MessageType.RequestInitPk } => Answer(asked, isRequest: true),
            MessageType.ResolveResponse when asked.Message is { Header.Type: MessageType.ResolveInitPsk or MessageType.ResolveInitPk } => Answer(asked, isRequest: false),
            MessageType.TransferResponse when asked.Message is { Header.Type: MessageType.TransferInit } init =>
                (init.First<Ticket>() is null ? Bundle(before) : Transfer(init, message)) is { } label ? (label, [asked.Sent]) : null,
            _ => null,
        };
    }

    private static (Octets, Octets[])? Update(MikeyMessage message, List<(MikeyMessage Message, Octets Sent)> before) =>
        Bundle(before) is { } label && Names(message, IdentityRole.Initiator, IdentityRole.Responder) is { } names ? (label, names) : null;

    private static (Octets, Octets[])? Initial(MikeyMessage message)
    {
        var (self, peer, rand) = message.Header.Type switch
        {
            MessageType.RequestInitPsk => (IdentityRole.Initiator, IdentityRole.Kms, RandRole.Initiator),
            MessageType.ResolveInitPsk => (IdentityRole.Responder, IdentityRole.Kms, RandRole.Responder),
            _ => (IdentityRole.Initiator, IdentityRole.Responder, RandRole.Initiator),
        };
        return message.RandOf(rand) is { } r && Names(message, self, peer) is { } names
            ? (Exchanges.KmsClient.Label(message.CsbId, false, rand == RandRole.Initiator, r), names)
            : null;
    }

    private static (Octets, Octets[])? Answer((MikeyMessage Message, Octets Sent) asked, bool isRequest) =>
        asked.Message.RandOf(isRequest ? RandRole.Initiator : RandRole.Responder) is { } rand
            ? (Exchanges.KmsClient.Label(asked.Message.CsbId, true, isRequest, rand), [asked.Sent])
            : null;

    /// <summary>RFC 3830 §4.5: that of the bundle's first message, which no update repeats.</summary>
    private static Octets? Rand(IEnumerable<MikeyMessage> messages) => messages.Select(m => m.First<RandomValue>()?.Value).FirstOrDefault(r => r is not null);

    /// <summary>RFC 3830 §5.2: both identities and T.</summary>
    private static (Octets, Octets[])? Verification(MikeyMessage init, List<(MikeyMessage Message, Octets Sent)> before)
    {
        if (Rand(before.Select(b => b.Message)) is not { } rand || init.First<Timestamp>() is not { } t
            || init.All<NamedIdentity>().ToList() is not [var first, var second]) return null;
        var time = new OctetWriter();
        if (t.Time.Length == 8) time.Hyper(t.Time.Value);
        else time.Long((uint)t.Time.Value);
        return (KeyLabel.Message3830(init.CsbId, rand), [first.Identity.Name, second.Identity.Name, time.ToOctets()]);
    }

    /// <summary>RFC 6043 §5.2: an update is under the keys of the transfer's last message.</summary>
    private static Octets? Bundle(List<(MikeyMessage Message, Octets Sent)> before)
    {
        var init = before.Find(b => b.Message.First<Ticket>() is not null).Message;
        var response = before.Find(b => b.Message.Header.Type == MessageType.TransferResponse).Message;
        return init is null || response is null ? null : Transfer(init, response);
    }

    private static Octets? Transfer(MikeyMessage init, MikeyMessage response) => init.RandOf(RandRole.Initiator) is { } rand
        ? KeyLabel.Message(init.CsbId, true, rand, response.RandOf(RandRole.Responder) ?? Octets.Empty)
        : null;

    private static Octets[]? Names(MikeyMessage message, IdentityRole first, IdentityRole second) =>
        message.IdentityOf(first) is { } a && message.IdentityOf(second) is { } b ? [a.Name, b.Name] : null;
}
