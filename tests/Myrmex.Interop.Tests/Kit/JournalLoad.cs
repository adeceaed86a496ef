using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;

namespace Myrmex.Interop.Tests.Kit;

/// <summary>What programs on a replicated volume saw while members failed.</summary>
/// <param name="Longest">The longest operation on the register: the time without an answer, as an application feels
/// it.</param>
/// <param name="Full">How often there was no room for a write of the register.</param>
internal sealed record LoadResult(int Files, int Writes, int Reads, TimeSpan Longest, int Full)
{
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture, $"{Files} files with fsync, {Writes} writes, "
            + $"{Reads} reads, longest {Longest.TotalSeconds:0.00} s{(Full > 0 ? $", {Full} times no room" : "")}");
}

/// <summary>
/// Programs at work on one or more mounts of a volume: one that writes files with fsync and renames them into place,
/// one that rewrites
/// one page, and one on every mount that reads the page. No error is allowed, no acknowledged thing may be gone, and
/// no read may be stale.
/// </summary>
internal sealed class JournalLoad : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);

    private const string NothingMissing = "missing 0 wrong 0\n";

    /// <summary>Thousands of files are read, on a machine that may be busy.</summary>
    private static readonly TimeSpan VerifyLimit = TimeSpan.FromSeconds(600);

    private readonly TestDirectory _directory;
    private readonly string _name;
    private readonly string _folder;
    private readonly Helper _files;
    private readonly List<Helper> _registers = [];
    private readonly List<string> _logs = [];

    /// <param name="name">Of the load in this test; its directory on the volume.</param>
    /// <param name="mounts">Places of one volume; the first one is written on.</param>
    public JournalLoad(TestDirectory directory, string name, params string[] mounts)
    {
        _directory = directory;
        _name = name;
        _folder = Path.Combine(mounts[0], name);
        Directory.CreateDirectory(_folder);
        _files = Helper.Start("writer.py", "write", _folder, Record, "100000");
        StartRegister("write", mounts[0], 0);
        foreach (var (mount, i) in mounts.Select((m, i) => (m, i)))
        {
            StartRegister("read", mount, i + 1);
        }
    }

    /// <summary>Of the programs on the page: a line for every operation, with its times.</summary>
    public IReadOnlyCollection<string> Logs => _logs;

    private string Record => _directory[$"{_name}.record.txt"];

    /// <summary>Waits until every program has done something that it began after this call.</summary>
    public void AwaitProgress(string when)
    {
        var files = LinesOf(Record) + 4;
        var registers = _logs.Select(l => LinesOf(l) + 2).ToList();
        Wait.Until(
            $"the programs get on {when}", Patience,
            () => LinesOf(Record) >= files && _logs.Zip(registers).All(p => LinesOf(p.First) >= p.Second),
            () => string.Join('\n', _logs.Append(Record).Select(l => Child.TailOf(l, 5))));
    }

    /// <summary>Ends the programs and checks all they saw; what was acknowledged is read at this mount.</summary>
    public LoadResult Finish(string mount)
    {
        var words = _files.Finish(Patience).Split(' ');
        _registers.ForEach(r => r.Finish(Patience));
        if (words is not ["written", var files, "errors", "0"])
        {
            throw new HarnessException($"the writer saw errors: {string.Join(' ', words)}\n{ErrorsIn(Record)}");
        }

        var verified = Verify(Path.Combine(mount, _name));
        if (!verified.EndsWith(NothingMissing, StringComparison.Ordinal))
        {
            throw new HarnessException(
                $"acknowledged files are not there: {verified}and where they were written: {Verify(_folder)}");
        }

        var seen = Shell.Check("/", "python3", [Helper.PathOf("registers.py"), "check", .. _logs]).Split(' ', '\n');
        return new LoadResult(Number(files), Number(seen[1]), Number(seen[3]),
            TimeSpan.FromMilliseconds(Number(seen[9])), Number(seen[11]));
    }

    public void Dispose()
    {
        _files.Dispose();
        _registers.ForEach(r => r.Dispose());
    }

    private string Verify(string folder) => Shell.Succeed(Shell.Run(
        "/", VerifyLimit, "python3", Helper.PathOf("writer.py"), "verify", folder, Record));

    private static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);

    private static int LinesOf(string file) => File.Exists(file) ? File.ReadLines(file).Count() : 0;

    private static string ErrorsIn(string record) =>
        string.Join('\n', File.ReadLines(record).Where(l => l.StartsWith("error", StringComparison.Ordinal)).Take(5));

    private void StartRegister(string verb, string mount, int number)
    {
        var log = _directory[$"{_name}.{number}.log"];
        var helper = Helper.Start("registers.py", verb, Path.Combine(mount, _name, "register"), log);
        _registers.Add(helper);
        _logs.Add(log);
        if (helper.Answer(Patience) != "ready")
        {
            throw new HarnessException($"registers.py {verb} does not start");
        }
    }
}
