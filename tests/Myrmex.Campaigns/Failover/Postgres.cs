using System;
using System.Globalization;
using System.IO;
using System.Linq;
using Myrmex.Interop.Tests.Kit;

namespace Myrmex.Campaigns;

/// <summary>A PostgreSQL server whose data, with checksums, is on a mount; it runs as the user of Debian's package.</summary>
internal sealed class Postgres : IDisposable
{
    private const string User = "postgres";
    private const int Clients = 3;

    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(5);

    private readonly string _data;
    private readonly string _sockets;
    private readonly string _programs;

    private Postgres(string programs, string data, string sockets) =>
        (_programs, _data, _sockets) = (programs, data, sockets);

    /// <summary>Where its programs are; null where the package is not installed.</summary>
    public static string? Programs => !Directory.Exists("/usr/lib/postgresql") ? null
        : Directory.EnumerateDirectories("/usr/lib/postgresql").Order(StringComparer.Ordinal)
            .Select(d => Path.Combine(d, "bin")).LastOrDefault(d => File.Exists(Path.Combine(d, "initdb")));

    /// <summary>Makes a database cluster in a new directory of the mount and starts it.</summary>
    public static Postgres Start(TestDirectory directory, string programs, string mount)
    {
        var server = new Postgres(programs, Path.Combine(mount, "postgres"), directory.Make("pg"));
        Directory.CreateDirectory(server._data);
        Shell.Check("/", "chown", $"{User}:", server._data, server._sockets);
        server.Run("initdb", "--data-checksums", "--auth=trust", "-D", server._data);
        server.Run(
            "pg_ctl", "-w", "-t", "120", "-D", server._data, "-l", Path.Combine(server._sockets, "server.log"), "-o",
            $"-k {server._sockets} -c listen_addresses='' -c fsync=on -c full_page_writes=on", "start");
        server.Run("pgbench", "-h", server._sockets, "-i", "-q", "-s", "2", User);
        return server;
    }

    /// <summary>A load of that many seconds.</summary>
    public Child Load(TestDirectory directory, int seconds) => Child.Start(
        "pgbench", directory.Logs, "setpriv", [
            .. AsUser, Path.Combine(_programs, "pgbench"), "-h", _sockets, "-n", "-c", Number(Clients), "-T", Number(seconds), User,
        ]);

    /// <summary>Ends the server and checks every page, and that what was committed adds up.</summary>
    /// <returns>What there was, for people.</returns>
    public string Finish()
    {
        var sums = Run(
            "psql", "-h", _sockets, "-At", "-c",
            "SELECT (SELECT sum(abalance) FROM pgbench_accounts) = (SELECT sum(delta) FROM pgbench_history), "
            + "(SELECT sum(tbalance) FROM pgbench_tellers) = (SELECT sum(bbalance) FROM pgbench_branches), "
            + "(SELECT count(*) FROM pgbench_history)").Trim().Split('|');
        Run("pg_ctl", "-w", "-t", "120", "-m", "fast", "-D", _data, "stop");
        Run("pg_checksums", "--check", "-D", _data);
        return sums is ["t", "t", var count] ? $"{count} transactions, every sum right, every page whole"
            : throw new HarnessException($"PostgreSQL does not add up: {string.Join(' ', sums)}");
    }

    public void Dispose()
    {
        var pid = Path.Combine(_data, "postmaster.pid");
        if (File.Exists(pid))
        {
            Child.Signal(int.Parse(File.ReadLines(pid).First(), CultureInfo.InvariantCulture), "QUIT");
        }
    }

    private static string[] AsUser => [$"--reuid={User}", $"--regid={User}", "--clear-groups", "--"];

    private static string Number(int value) => value.ToString(CultureInfo.InvariantCulture);

    private string Run(string program, params string[] words) => Shell.Succeed(
        Shell.Run("/", Limit, "setpriv", [.. AsUser, Path.Combine(_programs, program), .. words]));
}
