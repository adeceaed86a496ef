using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using Myrmex.Interop.Tests.Kit;

namespace Myrmex.Campaigns;

/// <summary>
/// The POSIX test suite pjdfstest on a mount. Its source is no part of this repository: <c>--suite</c> names a built one, or
/// <c>--repository</c> a git repository of it that is built here. What may fail is listed with its reason in
/// docs/internals/pjdfstest.md, and everything else must pass.
/// </summary>
internal sealed class PjdfstestCampaign : Campaign
{
    private const string Suite = "suite";
    private const string Repository = "repository";
    private const string Only = "only";
    private const string KnownFailures = "docs/internals/pjdfstest.md";

    public override string Name => "pjdfstest";

    public override string Summary => "the POSIX test suite pjdfstest on a mount of a distribute volume";

    public override Need Needs => Need.Fuse | Need.Xfs | Need.Toolchain;

    public override IReadOnlyDictionary<string, string> Options { get; } = new Dictionary<string, string>
    {
        [Suite] = "folder of the built suite",
        [Repository] = "git repository of the suite, to build it (needs autoconf and automake)",
        [Only] = "only scripts whose path contains this, such as rename/ or chmod/00.t",
    };

    public override void Run(CampaignRun run)
    {
        var suite = FindSuite(run);
        if (suite is null && !run.IsSmoke)
        {
            throw new ArgumentException("say --suite DIR (built) or --repository DIR (to build); the source is pjd/pjdfstest on GitHub");
        }

        var volume = CampaignVolume.Start(run.Directory, sizeMiB: 4096);
        using (var mount = volume.Mount("mnt"))
        {
            if (suite is null)
            {
                run.Step("checks by hand instead of the suite", () => mount.Sh(Stand));
            }
            else
            {
                RunSuite(run, suite, mount);
            }
        }

        run.Step("look at the bricks on disk", volume.StopAndAudit);
    }

    /// <summary>Some of what the suite looks at: a smoke run may have no suite.</summary>
    private const string Stand = """
        mkdir d; touch d/f; chmod 4755 d/f; [ "$(stat -c %a d/f)" = 4755 ]
        ln d/f d/g; [ "$(stat -c %h d/f)" = 2 ]; mkfifo d/p; mv d/p d/q; [ -p d/q ]
        ! rmdir d 2> /dev/null; ! mkdir d 2> /dev/null; ! ln -s x d/f 2> /dev/null
        truncate -s 12345 d/f; [ "$(stat -c %s d/g)" = 12345 ]; touch -d '2001-02-03 04:05:06.789' d/f
        [ "$(stat -c %Y d/g)" = "$(date -d '2001-02-03 04:05:06' +%s)" ]; rm -r d
        """;

    private static string? FindSuite(CampaignRun run)
    {
        if (run.Options.Has(Suite))
        {
            return Path.GetFullPath(run.Options.Text(Suite, ""));
        }

        if (!run.Options.Has(Repository))
        {
            return null;
        }

        var source = Path.GetFullPath(run.Options.Text(Repository, ""));
        var target = run.Directory["suite"];
        run.Step("build the suite", () => Shell.CheckBash(
            "/",
            $"git clone -q '{source}' '{target}' 2>&1; cd '{target}'; (autoreconf -ifs && ./configure && make pjdfstest) 2>&1",
            Limits.Command));
        return target;
    }

    private static void RunSuite(CampaignRun run, string suite, FuseMount mount)
    {
        var scripts = Directory.EnumerateFiles(Path.Combine(suite, "tests"), "*.t", SearchOption.AllDirectories)
            .Select(f => Path.GetRelativePath(Path.Combine(suite, "tests"), f))
            .Where(f => f.Contains(run.Options.Text(Only, ""), StringComparison.Ordinal))
            .Order(StringComparer.Ordinal)
            .ToList();
        var known = ReadKnown();
        var counts = new Counts();
        foreach (var group in scripts.GroupBy(s => s.Split('/')[0]))
        {
            run.Step($"{group.Key}: {group.Count()} scripts", () =>
            {
                foreach (var script in group)
                {
                    RunScript(run, Path.Combine(suite, "tests", script), script, mount, known, counts);
                }
            });
        }

        run.Figure("tests", $"{counts.Passed} of {counts.Planned} passed, {counts.Known} failed as listed, {counts.Skipped} scripts skipped");
        if (counts.Planned == 0)
        {
            run.Fail("no test ran");
        }
    }

    private static void RunScript(
        CampaignRun run, string path, string script, FuseMount mount, IReadOnlySet<string> known, Counts counts)
    {
        var folder = Path.Combine(mount.Path, "pjd");
        Directory.CreateDirectory(folder);
        // The scripts want bash' builtins under sh's name; a script that hangs ends with the limit.
        var result = Shell.Run(folder, Limits.Command, "/bin/sh", path);
        var lines = result.Output.Split('\n');
        var planned = lines.Where(l => l.StartsWith("1..", StringComparison.Ordinal)).Select(ReadPlan).LastOrDefault(-1);
        var results = TapLine.ReadAll(lines);
        counts.Planned += Math.Max(planned, 0);
        counts.Passed += results.Count(r => r.IsOk);
        counts.Skipped += planned == 0 ? 1 : 0;
        foreach (var bad in results.Where(r => !r.IsOk))
        {
            var name = $"{script}:{bad.Number}";
            if (known.Contains(name))
            {
                counts.Known++;
                continue;
            }

            run.Fail($"{name} {bad.Text}", $"--only {script}{Again(run)}");
        }

        if (planned < 0 || results.Count != planned)
        {
            run.Fail($"{script} ended after {results.Count} of {planned} tests: {result}", $"--only {script}{Again(run)}");
        }

        Shell.Run("/", Limits.Command, "rm", "-rf", folder);
    }

    private static string Again(CampaignRun run) =>
        run.Options.Has(Suite) ? $" --suite {run.Options.Text(Suite, "")}" : $" --repository {run.Options.Text(Repository, "")}";

    private static int ReadPlan(string line) =>
        int.TryParse(line[3..].Split(' ')[0], CultureInfo.InvariantCulture, out var count) ? count : -1;

    /// <summary>Lines of the list: <c>- `rename/00.t:12` reason</c>.</summary>
    private static HashSet<string> ReadKnown() =>
    [
        .. File.ReadLines(Path.Combine(Product.Repository, KnownFailures))
            .Where(line => line.StartsWith("- `", StringComparison.Ordinal))
            .Select(line => line.Split('`')[1]),
    ];

    private sealed class Counts
    {
        public int Planned { get; set; }

        public int Passed { get; set; }

        public int Known { get; set; }

        public int Skipped { get; set; }
    }
}
