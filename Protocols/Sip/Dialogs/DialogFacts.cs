using System.Collections.Immutable;

namespace ConfCluster.Protocols.Sip.Dialogs;

/// <summary>
/// A dialog in strings and numbers, for whoever stores it (RFC 3261 §12: the state of a dialog). No secret is among them. A sequence
/// number of null is one that is "empty".
/// </summary>
public sealed record DialogFacts(
    string CallId, string Local, string Remote, uint? LocalSequence, uint? RemoteSequence, string RemoteTarget, ImmutableArray<string> RouteSet,
    bool IsSecure)
{
    public static DialogFacts Of(Dialog dialog)
    {
        ArgumentNullException.ThrowIfNull(dialog);
        return new DialogFacts(dialog.CallId, dialog.Local.ToString(), dialog.Remote.ToString(), dialog.LocalSequence, dialog.RemoteSequence,
            dialog.RemoteTarget.ToString(), [.. dialog.RouteSet.Select(r => r.ToString())], dialog.IsSecure);
    }
}
