using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using Myrmex.Interop.Tests.Kit;

namespace Myrmex.Campaigns;

/// <summary>
/// What people run, for the time of one round on two mounts of a volume: fio that verifies, a file of random work compared with memory on each
/// mount, SQLite by several processes, races for effects that can happen once, and a load on PostgreSQL. Each one checks itself.
/// </summary>
internal sealed class RoundPrograms : IDisposable
{
    private const int Racers = 4;

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(4);

    private readonly List<Helper> _fsx = [];
    private readonly List<Helper> _racers = [];
    private readonly List<string> _logs = [];
    private readonly string _races;
    private readonly Child _fio;
    private readonly Child _sqlite;
    private readonly Child? _postgres;

    /// <param name="name">Of the round; its directory on the volume exists.</param>
    /// <param name="seconds">How long the programs that do not wait to be ended work.</param>
    public RoundPrograms(TestDirectory directory, string name, int seconds, Postgres? postgres, params string[] mounts)
    {
        var time = seconds.ToString(CultureInfo.InvariantCulture);
        var folder = Path.Combine(mounts[0], name);
        const string Job = "--name=verify --ioengine=psync --direct=1 --rw=randwrite --bs=4k --size=8m --numjobs=2 "
            + "--thread --time_based --verify=crc32c --verify_fatal=1 --verify_backlog=512 --verify_state_save=0";
        _fio = Child.Start($"fio-{name}", directory.Logs, "fio", [$"--directory={folder}", $"--runtime={time}", .. Job.Split(' ')]);
        _sqlite = Child.Start(
            $"sqlite-{name}", directory.Logs, "python3", Helper.PathOf("database.py"), Path.Combine(mounts[1], name, "db"), "delete", time, "1");
        _postgres = postgres?.Load(directory, seconds);
        foreach (var (mount, i) in mounts.Select((m, i) => (m, i)))
        {
            _fsx.Add(Helper.Start("fsx.py", Path.Combine(mount, name, $"fsx{i}"), Text(i)));
        }

        _races = Path.Combine(folder, "races");
        for (var i = 0; i < Racers; i++)
        {
            _logs.Add(directory[$"{name}.race-{i}.log"]);
            _racers.Add(Helper.Start(
                "effects.py", "run", Path.Combine(mounts[i % mounts.Length], name, "races"), _logs[i], Text(i)));
        }

        if (_fsx.Concat(_racers).Any(h => h.Answer(Patience) != "ready"))
        {
            throw new HarnessException("a program does not start");
        }
    }

    /// <summary>Ends all and checks what each of them says.</summary>
    /// <returns>What there was, for people.</returns>
    public string Finish()
    {
        _racers.ForEach(r => r.Finish(Patience));
        var races = Shell.Check("/", "python3", [Helper.PathOf("effects.py"), "check", _races, .. _logs]).Trim();
        var files = _fsx.Select(f => f.Finish(Patience)).ToList();
        var sqlite = Ended(_sqlite);
        Ended(_fio);
        var postgres = _postgres is null ? "no PostgreSQL" : Ended(_postgres);
        string[] wrong =
        [
            .. files.Where(f => !f.EndsWith(" wrong 0", StringComparison.Ordinal)),
            races.EndsWith(" wrong 0", StringComparison.Ordinal) ? "" : races,
            sqlite.Contains("integrity ok wrong 0", StringComparison.Ordinal) ? "" : sqlite,
            _postgres is null || postgres.Contains("failed transactions: 0 ", StringComparison.Ordinal) ? "" : postgres,
        ];
        wrong = [.. wrong.Where(w => w.Length > 0)];
        return wrong.Length > 0 ? throw new HarnessException(string.Join('\n', wrong))
            : $"fio verified; {races}; fsx {string.Join(", ", files)}; sqlite {sqlite.Trim().Split('\n')[^1]}";
    }

    public void Dispose()
    {
        _fsx.ForEach(f => f.Dispose());
        _racers.ForEach(r => r.Dispose());
        _fio.Dispose();
        _sqlite.Dispose();
        _postgres?.Dispose();
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static string Ended(Child child)
    {
        if (!child.WaitForExit(Patience) || child.ExitCode != 0)
        {
            throw new HarnessException($"{child.Name} has failed:\n{child.LogTail(40)}");
        }

        return child.LogTail(40);
    }
}
