using System.Net;
using ConfCluster.Actors.Phone;
using ConfCluster.Protocols.Sip.Messages;
using ConfCluster.Protocols.Srtp;

namespace ConfCluster.Host.Demo;

/// <summary>One call of one phone, from its INVITE to its report.</summary>
internal sealed class DemoCall : IDisposable
{
    private readonly CancellationTokenSource _hangUp = new();

    private DemoCall(string name, IPEndPoint node)
    {
        (Name, Started) = (name, DateTimeOffset.UtcNow);
        var target = SipUri.Sip(DemoScript.Conference, node.Address.ToString(), node.Port);
        var options = new SoftPhoneOptions(target, SipTransport.Udp, SrtpProfile.Usual, UseMki: true)
        {
            User = name,
            Tone = DemoScript.Tones[name],
            Duration = TimeSpan.FromMinutes(5),
            TakesUpdate = name != DemoScript.WithoutUpdate,
        };
        Report = SoftPhone.RunAsync(options, TimeProvider.System, _hangUp.Token);
    }

    public string Name { get; }

    public DateTimeOffset Started { get; }

    public Task<PhoneReport> Report { get; }

    public bool IsThrownOut { get; set; }

    public static DemoCall Begin(string name, IPEndPoint node) => new(name, node);

    public void HangUp() => _hangUp.Cancel();

    public void Dispose() => _hangUp.Dispose();
}
