using System.Net;
using System.Net.Sockets;
using Akka.Actor;
using Akka.TestKit.Xunit2;
using ConfCluster.Actors.Keys;
using ConfCluster.Actors.Settings;
using ConfCluster.Protocols.Srtp;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace ConfCluster.Actors.Tests.Keys;

/// <summary>The focus's way to a KMS that is not there.</summary>
public sealed class KmsGatewayTests : TestKit
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(15);
    private readonly FakeTimeProvider _clock = new();
    private readonly string _file = Path.GetTempFileName();

    [Fact]
    public void Nobody_waits_for_a_KMS_that_is_away_until_one_has_tried_it_again()
    {
        // A port that is ours, and where nobody listens.
        using var taken = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        taken.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        var gateway = Start(((IPEndPoint)taken.LocalEndPoint!).Port);
        Assert.True(Ask(gateway).IsUnreachable);

        // Now somebody does: who comes is seen, and never answered.
        taken.Listen(8);
        Assert.True(Ask(gateway).IsUnreachable);
        _clock.Advance(Pause - TimeSpan.FromTicks(1));
        Assert.True(Ask(gateway).IsUnreachable);
        Assert.False(taken.Poll(TimeSpan.Zero, SelectMode.SelectRead));

        _clock.Advance(TimeSpan.FromTicks(1));
        gateway.Tell(new RequestTicket("sip:bob@example.com", SrtpProfile.Usual[0]), TestActor);
        Assert.True(taken.Poll(TimeSpan.FromSeconds(20), SelectMode.SelectRead));
        Assert.True(Ask(gateway).IsUnreachable);
        using var one = taken.Accept();
        Assert.False(taken.Poll(TimeSpan.Zero, SelectMode.SelectRead));
        ExpectNoMsg(TimeSpan.Zero);
    }

    protected override void AfterAll()
    {
        base.AfterAll();
        File.Delete(_file);
    }

    private IActorRef Start(int port)
    {
        File.WriteAllText(_file, new string('a', 64));
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(_file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        var secret = KmsSecret.Read(_file, null, out var problem) ?? throw new InvalidOperationException(problem);
        var settings = new KmsUserSettings(
            new Uri($"http://127.0.0.1:{port}/mikey"), "sip:focus@localhost", "sip:kms@localhost", _file, TimeSpan.FromSeconds(30), 100)
        { Pause = Pause };
        return Sys.ActorOf(KeyManagementParts.PropsOf(settings, secret, _clock));
    }

    private TicketGranted Ask(IActorRef gateway)
    {
        var asker = CreateTestProbe();
        gateway.Tell(new RequestTicket("sip:bob@example.com", SrtpProfile.Usual[0]), asker);
        return asker.ExpectMsg<TicketGranted>(TimeSpan.FromSeconds(20));
    }
}
