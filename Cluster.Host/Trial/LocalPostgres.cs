using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Npgsql;

namespace ConfCluster.Host.Trial;

/// <summary>
/// A PostgreSQL server of our own for trying and for tests: made in a directory that goes with it, on a free port of 127.0.0.1, with a password of its own.
/// The programs are those of the system. Does not force anything to the disk.
/// </summary>
internal sealed class LocalPostgres : IAsyncDisposable
{
    public const string Database = "confcluster";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly string _programs;
    private readonly string _directory;
    private readonly string? _user;
    private Process? _server;

    private LocalPostgres(string programs, string directory, string? user, int port) => (_programs, _directory, _user, Port) = (programs, directory, user, port);

    public int Port { get; }

    /// <summary>Its first line is the password; for the node's user alone.</summary>
    public string PasswordFile { get; private set; } = "";

    public string ConnectionString => $"Host=127.0.0.1;Port={Port};Database={Database};Username={Database}";

    /// <summary>Where initdb and postgres are; null: they are not installed.</summary>
    public static string? FindPrograms()
    {
        const string Debian = "/usr/lib/postgresql";
        IEnumerable<string> versions = Directory.Exists(Debian)
            ? Directory.EnumerateDirectories(Debian).OrderByDescending(d => int.TryParse(Path.GetFileName(d), out var v) ? v : 0)
            : [];
        var path = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator);
        return versions.Select(d => Path.Combine(d, "bin")).Concat(path).FirstOrDefault(
            d => File.Exists(Path.Combine(d, "initdb")) && File.Exists(Path.Combine(d, "postgres")));
    }

    /// <summary>A server that answers, with an empty database; null, with a sentence, when that is not to be had.</summary>
    public static async Task<(LocalPostgres? Server, string Problem)> StartAsync(CancellationToken stop)
    {
        if (FindPrograms() is not { } programs) return (null, "PostgreSQL is not installed here (Debian: apt install postgresql).");
        // The server refuses to run as root; Debian's package brings a user for it.
        var user = Environment.UserName == "root" ? "postgres" : null;
        var directory = Path.Combine(Path.GetTempPath(), $"confcluster-postgres-{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(6))}");
        var server = new LocalPostgres(programs, directory, user, FreePort());
        var problem = await server.MakeAsync(stop) ?? await server.RunAsync(stop);
        if (problem is null) return (server, "");
        await server.DisposeAsync();
        return (null, problem);
    }

    /// <summary>Stops at once, as a power cut would; <see cref="StartAgainAsync"/> brings it back.</summary>
    public async Task CutAsync()
    {
        if (_server is not { HasExited: false } server) return;
        // Quick, and its children go with it.
        _ = await ProgramAsync("pg_ctl", "stop", "-D", Data, "-m", "immediate", "-w");
        await server.WaitForExitAsync();
    }

    /// <summary>Null when it answers again, or why not.</summary>
    public Task<string?> StartAgainAsync(CancellationToken stop) => RunAsync(stop);

    public async ValueTask DisposeAsync()
    {
        await CutAsync();
        _server?.Dispose();
        if (Directory.Exists(_directory)) Directory.Delete(_directory, recursive: true);
    }

    private string Data => Path.Combine(_directory, "data");

    private async Task<string?> MakeAsync(CancellationToken stop)
    {
        if (OperatingSystem.IsWindows()) Directory.CreateDirectory(_directory);
        else Directory.CreateDirectory(_directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        if (_user is not null) await RunAsync("chown", [_user, _directory], stop);
        var (code, output) = await ProgramAsync("initdb", "-D", Data, "-U", Database, "-A", "trust", "-E", "UTF8", "--locale=C", "-N");
        if (code != 0) return $"initdb failed: {output}";
        // By the socket, which is in a directory of its user alone, anybody who reaches it is let in; by the network it takes the password.
        await File.WriteAllTextAsync(Path.Combine(Data, "pg_hba.conf"), "local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n", stop);
        return null;
    }

    private async Task<string?> RunAsync(CancellationToken stop)
    {
        var start = Command("postgres",
            "-D", Data, "-k", _directory, "-p", $"{Port}", "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off",
            "-c", "max_connections=200", "-c", "logging_collector=off");
        _server = Process.Start(start)!;
        _server.OutputDataReceived += (_, _) => { };
        _server.ErrorDataReceived += (_, _) => { };
        _server.BeginOutputReadLine();
        _server.BeginErrorReadLine();
        var until = Stopwatch.StartNew();
        while (true)
        {
            try
            {
                await PrepareAsync(stop);
                return null;
            }
            catch (NpgsqlException e) when (until.Elapsed < Patience && !_server.HasExited)
            {
                if (e is PostgresException { SqlState: not PostgresErrorCodes.CannotConnectNow }) return e.Message;
                await Task.Delay(TimeSpan.FromMilliseconds(50), stop);
            }
            catch (NpgsqlException e)
            {
                return $"PostgreSQL does not answer: {e.Message}";
            }
        }
    }

    private async Task PrepareAsync(CancellationToken stop)
    {
        await using var connection = new NpgsqlConnection($"Host={_directory};Port={Port};Database=postgres;Username={Database};Pooling=false");
        await connection.OpenAsync(stop);
        if (PasswordFile.Length > 0) return;
        var password = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));
        foreach (var sql in new[] { $"ALTER ROLE {Database} PASSWORD '{password}'", $"CREATE DATABASE {Database}" })
        {
            await using var command = new NpgsqlCommand(sql, connection);
            await command.ExecuteNonQueryAsync(stop);
        }

        var file = Path.Combine(_directory, "password");
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        await using (var writer = new StreamWriter(file, options)) await writer.WriteLineAsync(password);
        PasswordFile = file;
    }

    private async Task<(int Code, string Output)> ProgramAsync(string program, params string[] arguments)
    {
        var start = Command(program, arguments);
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        return (process.ExitCode, await output + await errors);
    }

    private static async Task RunAsync(string program, string[] arguments, CancellationToken stop)
    {
        using var process = Process.Start(program, arguments);
        await process.WaitForExitAsync(stop);
    }

    private ProcessStartInfo Command(string program, params string[] arguments)
    {
        var path = Path.Combine(_programs, program);
        var start = new ProcessStartInfo(_user is null ? path : "runuser") { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = _directory };
        foreach (var argument in _user is null ? arguments : ["-u", _user, "--", path, .. arguments]) start.ArgumentList.Add(argument);
        return start;
    }

    private static int FreePort()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }
}
