using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Focus;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Sip.Parsing;
using ConfCluster.Protocols.Sip.Transactions;
using ConfCluster.Protocols.Tests.Focus;
using ConfCluster.Protocols.Wire;
using Xunit;

namespace ConfCluster.Protocols.Tests.Sip.Torture;

/// <summary>
/// What a node does with a datagram: the pure parts asked in the order in which the shells ask them (reader, routing, transactions,
/// participant), in the words of the manifests.
/// </summary>
internal sealed class NodeTreatment : IDisposable
{
    private readonly LocalTag _tags = new(SecretBytes.CopyOf("0123456789abcdef0123456789abcdef"u8));
    private readonly TransactionLayer _layer = new(SipTimings.Default, 10);

    public void Dispose() => _tags.Dispose();

    /// <summary>What goes back, if anything does.</summary>
    public SipResponse? Answer { get; private set; }

    public string Of(byte[] datagram)
    {
        if (SipReader.TryRead(datagram, out var message, out var error)) return Of(message!);
        if (message is not SipRequest refused) return $"reader drop {error.Kind}";
        var (status, reason) = RequestRouting.Malformed(error, refused.Method);
        return $"reader {Stateless(refused, status, reason, SipHeaders.Empty)} {error.Kind}";
    }

    public string Of(SipMessage message)
    {
        if (message is SipResponse response)
            return $"layer {(Assert.Single(_layer.ReceiveResponse(response, SipTexts.Udp)) is TransactionEffect.StrayResponse ? "stray" : "taken")}";
        var request = (SipRequest)message;
        return RequestRouting.Of(request, _tags) switch
        {
            RoutingVerdict.Answer answer => $"routing {Stateless(request, answer.Status, answer.Reason, answer.Extra)}",
            RoutingVerdict.ToParticipant to => $"participant {Participant(request, to.Participant)}",
            _ => "routing drop",
        };
    }

    private string Participant(SipRequest request, ParticipantId id)
    {
        var passed = Assert.Single(_layer.ReceiveRequest(request, SipTexts.Udp).OfType<TransactionEffect.PassRequest>());
        var scene = new ParticipantScene();
        scene.Receive(passed.Request, passed.Flow);
        if (scene.Effects.OfType<ParticipantEffect.Join>().SingleOrDefault() is { } join) return $"join {join.Conference}";
        Assert.False(string.IsNullOrEmpty(id.Value));
        Answer = scene.Response;
        return $"{Checked(Answer)}";
    }

    private int Stateless(SipRequest request, int status, string reason, SipHeaders extra)
    {
        Answer = Assert.IsType<SipResponse>(TransactionLayer.Stateless(request, SipTexts.Udp, status, reason, extra).Message);
        Assert.Equal(request.Headers.TopVia!.Branch, Answer.Headers.TopVia!.Branch);
        return Checked(Answer);
    }

    /// <summary>Whatever the request was, the answer can be written, and holds no line that was not meant to be there.</summary>
    private static int Checked(SipResponse response)
    {
        var text = System.Text.Encoding.UTF8.GetString(SipWriter.ToBytes(response));
        Assert.StartsWith($"SIP/2.0 {response.StatusCode} ", text, StringComparison.Ordinal);
        Assert.Equal(response.Headers.Fields.Length + 2, text.Split("\r\n\r\n")[0].Split("\r\n").Length);
        return response.StatusCode;
    }
}
