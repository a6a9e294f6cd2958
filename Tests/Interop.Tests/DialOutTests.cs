using ConfCluster.Support.Audio;
using Xunit;

namespace ConfCluster.Interop.Tests;

/// <summary>A conference calls SIPp, which answers in every way that a phone might.</summary>
[Collection("dialling node")]
public sealed class DialOutTests(DiallingNode node) : IAsyncLifetime
{
    private readonly string _room = $"dial-{Guid.NewGuid():N}"[..16];
    private readonly string _directory = Directory.CreateTempSubdirectory("confcluster-dialout-").FullName;
    private ChildProcess? _host;

    /// <summary>Somebody has to be there: an invitation never begins a conference.</summary>
    public async Task InitializeAsync()
    {
        _host = NodeUnderTest.Call([$"sip:{_room}@127.0.0.1:{node.SipPort}", "--tone", "440", "--for", "120s"], _directory);
        await node.UntilParticipants(_room, 1);
    }

    public async Task DisposeAsync()
    {
        _host!.Signal(15);
        await _host.WaitAsync(TimeSpan.FromSeconds(30));
        _host.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    [SkippableTheory]
    [InlineData("callee-answers.xml")]
    [InlineData("callee-forked.xml")]
    [InlineData("callee-reliable.xml")]
    [InlineData("callee-asks.xml")]
    public async Task Whoever_answers_is_in_and_may_hang_up(string scenario)
    {
        var port = DiallingNode.FreeUdpPort();
        using var callee = Sipp.Start(node, scenario, _room, "-p", $"{port}");
        var (exit, output) = await node.InviteAsync(_room, $"sip:callee@127.0.0.1:{port}", "--wait");
        Assert.True(exit == 0, $"{output}\n{node.Log}");
        Assert.Contains("has joined", output, StringComparison.Ordinal);
        await callee.EndsWellAsync();
        await node.UntilParticipants(_room, 1);
        Assert.Equal(["joined"], await node.InvitationsAsync(_room));
    }

    [SkippableFact]
    public async Task A_busy_phone_is_told_to_who_asked()
    {
        var port = DiallingNode.FreeUdpPort();
        using var callee = Sipp.Start(node, "callee-busy.xml", _room, "-p", $"{port}");
        var (exit, output) = await node.InviteAsync(_room, $"sip:callee@127.0.0.1:{port}", "--wait");
        Assert.Equal(1, exit);
        Assert.Contains("486 Busy Here", output, StringComparison.Ordinal);
        await callee.EndsWellAsync();
        Assert.Equal(["failed"], await node.InvitationsAsync(_room));
    }

    [SkippableFact]
    public async Task A_redirect_is_followed_to_its_best_contact()
    {
        var port = DiallingNode.FreeUdpPort();
        using var there = Sipp.Start(node, "callee-answers.xml", _room, "-p", $"{port}");
        var first = DiallingNode.FreeUdpPort();
        using var here = Sipp.Start(node, "callee-moved.xml", $"{port}", "-p", $"{first}");
        var (exit, output) = await node.InviteAsync(_room, $"sip:callee@127.0.0.1:{first}", "--wait");
        Assert.True(exit == 0, $"{output}\n{node.Log}");
        await here.EndsWellAsync();
        await there.EndsWellAsync();
    }

    [SkippableFact]
    public async Task The_end_of_the_conference_cancels_a_call_that_rings()
    {
        var port = DiallingNode.FreeUdpPort();
        using var callee = Sipp.Start(node, "callee-cancelled.xml", _room, "-p", $"{port}");
        var (exit, _) = await node.InviteAsync(_room, $"sip:callee@127.0.0.1:{port}");
        Assert.Equal(0, exit);
        await node.Until(async () => await node.InvitationsAsync(_room) is ["ringing"], "the phone to ring");
        await node.EndAsync(_room);
        await callee.EndsWellAsync();
    }

    [SkippableFact]
    public async Task The_end_of_the_conference_ends_a_call_that_was_answered()
    {
        var port = DiallingNode.FreeUdpPort();
        using var callee = Sipp.Start(node, "callee-stays.xml", _room, "-p", $"{port}");
        var (exit, output) = await node.InviteAsync(_room, $"sip:callee@127.0.0.1:{port};transport=udp", "--wait");
        Assert.True(exit == 0, $"{output}\n{node.Log}");
        await node.EndAsync(_room);
        await callee.EndsWellAsync();
    }

    [SkippableFact]
    public async Task A_baresip_that_is_called_hears_the_others_and_is_heard()
    {
        double[] tones = [440, 770, 1200];
        var phone = Baresip.Start(_directory, "called", DiallingNode.FreeUdpPort(), DiallingNode.FreeUdpPort(), 33000, 770);
        try
        {
            await phone.CommandAsync("about");
            var (exit, output) = await node.InviteAsync(_room, $"sip:called@127.0.0.1:{phone.SipPort}", "--wait");
            Assert.True(exit == 0, $"{output}\n{phone.Output}\n{node.Log}");
            await node.UntilParticipants(_room, 2);
            await Task.Delay(TimeSpan.FromSeconds(8));
            await phone.HangUpAsync();
            await node.UntilParticipants(_room, 1);
        }
        finally
        {
            phone.Dispose();
        }

        var heard = ToneAnalysis.Of(phone.Heard, tones);
        Assert.True(heard.SteadyTones() is [440], $"{heard}\n{node.Log}");
    }

    [SkippableTheory]
    [InlineData("sip:+15550100@pay.example", "may not be called")]
    [InlineData("sip:callee@127.0.0.1;maddr=192.0.2.1", "may not be called")]
    [InlineData("sip:callee@127.0.0.1:9", "cannot be reached")]
    public async Task What_may_not_or_cannot_be_called_is_refused_in_one_sentence(string uri, string reason)
    {
        var (exit, output) = await node.InviteAsync(_room, uri.Replace(":9", ":9;transport=tcp", StringComparison.Ordinal), "--wait");
        Assert.Equal(1, exit);
        Assert.Contains(reason, output, StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task Nobody_is_called_into_a_conference_that_is_not_on()
    {
        var (exit, output) = await node.InviteAsync("nobody-there", "sip:callee@127.0.0.1:5080", "--wait");
        Assert.Equal(1, exit);
        Assert.Contains("no active conference", output, StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task What_is_no_SIP_URI_is_a_wrong_use_of_the_verb()
    {
        var (exit, _) = await node.InviteAsync(_room, "http://example.com");
        Assert.Equal(2, exit);
    }
}
