using System.Buffers.Binary;
using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using ConfCluster.Support.Audio;

namespace ConfCluster.Interop.Tests;

/// <summary>
/// A headless baresip: plays a WAV as its microphone, records what it hears (sndfile module: <c>dump-*-dec.wav</c>), is steered through
/// its ctrl_tcp module (netstrings of JSON). It listens for TLS at its SIP port + 1.
/// </summary>
public sealed class Baresip : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);
    private const string Modules = "/usr/lib/baresip/modules";
    private readonly ChildProcess _process;
    private readonly string _directory;
    private readonly int _control;

    private Baresip(ChildProcess process, string directory, int control, int sip) => (_process, _directory, _control, SipPort) = (process, directory, control, sip);

    public int SipPort { get; }

    public string Output => _process.Output;

    /// <param name="levels">It tells the level of its packets (RFC 6464).</param>
    /// <param name="volume">Of its tone, in dB below the loudest.</param>
    /// <param name="caFile">It verifies TLS servers against this file; null: it was given none.</param>
    /// <param name="certificate">PEM file with its own certificate and key, shown to TLS clients; null: it was given none.</param>
    public static Baresip Start(
        string root, string name, int sipPort, int controlPort, int rtpPort, double tone, string? caFile = null, (string User, string Password)? account = null,
        BaresipCodec? codec = null, bool levels = false, double volume = -12, string? certificate = null)
    {
        var program = Peers.Require("baresip", "baresip-core");
        Peers.RequireThat(File.Exists(Path.Combine(Modules, "srtp.so")), "baresip has no srtp module (package baresip-core)");
        var directory = Directory.CreateDirectory(Path.Combine(root, name)).FullName;
        Directory.CreateDirectory(Path.Combine(directory, "rec"));
        var wav = Path.Combine(directory, "tone.wav");
        codec ??= BaresipCodec.G711;
        Peers.RequireThat(File.Exists(Path.Combine(Modules, codec.Module)), $"baresip has no {codec.Module} (package baresip-core)");
        Pcm.WriteWav(wav, Pcm.Tone(60, codec.Rate, volume, tone), codec.Rate);
        var tls = caFile is null ? "" : $"sip_cafile {caFile}\nsip_verify_server yes\n";
        if (certificate is not null) tls += $"sip_certificate {certificate}\n";
        File.WriteAllText(Path.Combine(directory, "config"), Configuration(directory, wav, sipPort, controlPort, rtpPort, codec, levels) + tls);
        var credentials = account is { } a ? $";auth_user={a.User};auth_pass={a.Password}" : "";
        File.WriteAllText(
            Path.Combine(directory, "accounts"), $"<sip:{name}@127.0.0.1:{sipPort}>{credentials};regint=0;mediaenc=srtp-mand;answermode=auto{codec.Account}\n");
        File.WriteAllText(Path.Combine(directory, "contacts"), "");
        return new Baresip(ChildProcess.Start(program, ["-f", directory]), directory, controlPort, sipPort);
    }

    /// <summary>What it heard, oldest first: it begins another with each offer that changes its media.</summary>
    public IReadOnlyList<string> Recordings => [.. Directory.EnumerateFiles(Path.Combine(_directory, "rec"), "dump-*-dec.wav").Order()];

    /// <summary>The newest recording of what it heard.</summary>
    public string Heard => (Recordings is [.., var last] ? last : null)
        ?? throw new InvalidOperationException($"baresip recorded nothing:\n{Output}");

    /// <summary>Returns when what it heard is written as well: it closes the file after its BYE, and until then the file says that it is empty.</summary>
    public async Task HangUpAsync()
    {
        await CommandAsync("hangup");
        for (var since = Stopwatch.StartNew(); !Recordings.All(IsComplete); await Task.Delay(20))
            if (since.Elapsed > Patience) throw new TimeoutException($"baresip did not finish its recordings:\n{Output}");
    }

    /// <summary>One command of its menu, retried while it still starts up.</summary>
    public async Task CommandAsync(string command, string parameters = "")
    {
        var json = JsonSerializer.Serialize(new Dictionary<string, string> { ["command"] = command, ["params"] = parameters, ["token"] = "t" });
        for (var attempt = 0; ; attempt++)
        {
            try
            {
                using var client = new TcpClient();
                await client.ConnectAsync("127.0.0.1", _control);
                await client.GetStream().WriteAsync(Encoding.UTF8.GetBytes($"{json.Length}:{json},"));
                var reply = new byte[4096];
                using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(5));
                var read = await client.GetStream().ReadAsync(reply, limit.Token);
                if (read == 0) throw new InvalidOperationException($"baresip closed its control connection:\n{Output}");
                return;
            }
            catch (SocketException e)
            {
                if (attempt == 100 || _process.HasExited) throw new InvalidOperationException($"baresip does not listen: {e.Message}\n{Output}");
                await Task.Delay(100);
            }
        }
    }

    public void Dispose() => _process.Dispose();

    /// <summary>The length in the header of a RIFF file is right.</summary>
    private static bool IsComplete(string wav)
    {
        using var file = new FileStream(wav, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        var header = new byte[8];
        return file.ReadAtLeast(header, header.Length, throwOnEndOfStream: false) == header.Length
            && BinaryPrimitives.ReadUInt32LittleEndian(header.AsSpan(4)) + header.Length == file.Length;
    }

    private static string Configuration(string directory, string wav, int sipPort, int controlPort, int rtpPort, BaresipCodec codec, bool levels) => $"""
        poll_method epoll
        sip_listen 127.0.0.1:{sipPort}
        call_local_timeout 120
        call_max_calls 4
        audio_player aubridge,nil{sipPort}
        audio_source aufile,{wav}
        audio_alert aubridge,alert{sipPort}
        audio_level {(levels ? "yes" : "no")}
        ausrc_srate {codec.Rate}
        auplay_srate {codec.Rate}
        ausrc_channels 1
        auplay_channels 1
        ausrc_format s16
        auplay_format s16
        auenc_format s16
        audec_format s16
        rtp_ports {rtpPort}-{rtpPort + 20}
        rtcp_mux no
        jitter_buffer_delay 5-10
        rtp_stats yes
        net_interface 127.0.0.1
        module_path {Modules}
        module ctrl_tcp.so
        module {codec.Module}
        module sndfile.so
        module aufile.so
        module ausine.so
        module aubridge.so
        module srtp.so
        module_tmp uuid.so
        module_tmp account.so
        module_app debug_cmd.so
        module_app menu.so
        ctrl_tcp_listen 127.0.0.1:{controlPort}
        snd_path {Path.Combine(directory, "rec")}
        statmode_default off
        ringback_disabled yes

        """;
}

/// <summary>What a baresip speaks: its module, the rate of its sound, and how the account names it.</summary>
public sealed record BaresipCodec(string Module, int Rate, string Account)
{
    public static readonly BaresipCodec G711 = new("g711.so", 8000, "");
    public static readonly BaresipCodec G722 = new("g722.so", 16_000, ";audio_codecs=G722/8000/1");
    public static readonly BaresipCodec Opus = new("opus.so", 48_000, ";audio_codecs=opus/48000/2");
}
