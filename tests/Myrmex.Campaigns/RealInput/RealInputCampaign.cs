using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using Myrmex.Interop.Tests.Kit;

namespace Myrmex.Campaigns;

/// <summary>
/// What people put on a file system: a big tree, a repository with a long history, a parallel build, a database with many writers.
/// Everything is compared with the same on a local file system, and at the end with what the stock client sees.
/// </summary>
internal sealed class RealInputCampaign : Campaign
{
    private const string Tree = "tree";
    private const string Repository = "repository";
    private const string BuildAt = "build-at";
    private const string BuildWith = "build-with";
    private const string Files = "files";
    private const string Only = "only";

    public override string Name => "real-input";

    public override string Summary => "trees, repositories, builds and databases on a mount, compared with a local file system";

    public override Need Needs => Need.StockClient | Need.Xfs | Need.Python | Need.Toolchain;

    public override IReadOnlyDictionary<string, string> Options { get; } = new Dictionary<string, string>
    {
        [Tree] = "folder to copy in (the .NET SDK that runs this)",
        [Repository] = "bare git repository to clone (one made up, of --files files)",
        [BuildAt] = "commit of the repository to build (HEAD)",
        [BuildWith] = "make arguments of the build (none)",
        [Files] = "files of the made-up repository (20000)",
        [Only] = "only these parts: tree, git, build, sqlite, with commas",
    };

    public override void Run(CampaignRun run)
    {
        var volume = CampaignVolume.Start(run.Directory, sizeMiB: run.IsSmoke ? 4096 : 24 << 10);
        var mount = volume.Mount("mnt");
        var local = run.Directory.Make("local");
        var parts = run.Options.Text(Only, "tree,git,build,sqlite").Split(',');
        if (parts.Contains("tree"))
        {
            CopyTree(run, mount);
        }

        if (parts.Contains("git") || parts.Contains("build"))
        {
            var work = new GitWork(run, mount, local, FindRepository(run, local));
            if (work.Clone() && parts.Contains("git"))
            {
                work.CheckRepository();
                work.CheckOut();
            }

            if (parts.Contains("build"))
            {
                work.Build(run.Options.Text(BuildAt, "HEAD"), run.Options.Text(BuildWith, ""));
            }
        }

        if (parts.Contains("sqlite"))
        {
            RunSqlite(run, mount);
        }

        CompareWithStock(run, volume, mount);
    }

    private static void CopyTree(CampaignRun run, FuseMount mount)
    {
        var source = Path.TrimEndingDirectorySeparator(run.Options.Text(Tree, DefaultTree(run)));
        var target = Path.Combine(mount.Path, "tree");
        TreeManifest? expected = null;
        run.Step($"copy {source} in", () => Bash("/", $"cp -a '{source}' '{target}'"));
        run.Step("compare it", () =>
        {
            expected = TreeManifest.Of(source, times: true);
            expected.Compare(TreeManifest.Of(target, times: true), run, "copied tree");
            run.Figure("copied tree", expected.Figures);
        });
        run.Step("copy it inside the mount, with hard links, and remove it again", () =>
        {
            Bash(mount.Path, "cp -a tree copy; cp -al tree linked; rm -rf tree; mv copy tree");
            expected!.Compare(TreeManifest.Of(target, times: true), run, "copied copy");
            expected.Compare(TreeManifest.Of(Path.Combine(mount.Path, "linked"), times: true), run, "hard links");
            Bash(mount.Path, "rm -rf linked");
        });
    }

    /// <summary>The folder of the .NET SDK; for a smoke run, of the runtime's libraries.</summary>
    private static string DefaultTree(CampaignRun run)
    {
        var runtime = System.Runtime.InteropServices.RuntimeEnvironment.GetRuntimeDirectory();
        return run.IsSmoke ? runtime : Path.GetFullPath(Path.Combine(runtime, "../../.."));
    }

    private static string FindRepository(CampaignRun run, string local)
    {
        if (run.Options.Has(Repository))
        {
            return Path.GetFullPath(run.Options.Text(Repository, ""));
        }

        var path = Path.Combine(local, "made-up.git");
        var files = run.Options.Number(Files, run.IsSmoke ? 60 : 20_000);
        run.Step($"make up a repository of {files} files", () => Shell.Succeed(Shell.Run(
            "/", Limits.Command, "python3", Helper.PathOf("repository.py"), path, $"{files}", $"{run.Seed}")));
        return path;
    }

    private static void RunSqlite(CampaignRun run, FuseMount mount)
    {
        foreach (var mode in new[] { "delete", "wal" })
        {
            run.Step($"sqlite with journal mode {mode}", () =>
            {
                // WAL shares memory between processes through a mapped file, which the mount allows on one machine.
                var folder = Directory.CreateDirectory(Path.Combine(mount.Path, $"sqlite-{mode}")).FullName;
                var line = Shell.Succeed(Shell.Run(
                    "/",
                    Limits.Command,
                    "python3",
                    Helper.PathOf("database.py"),
                    Path.Combine(folder, "db"),
                    mode,
                    run.IsSmoke ? "1" : "60",
                    $"{run.Seed}")).Trim();
                run.Figure($"sqlite {mode}", line);
                if (!line.EndsWith("integrity ok wrong 0", StringComparison.Ordinal))
                {
                    run.Fail($"sqlite with journal mode {mode}: {line}");
                }
            });
        }
    }

    private static void CompareWithStock(CampaignRun run, CampaignVolume volume, FuseMount mount)
    {
        TreeManifest? seen = null;
        run.Step("read everything back through a fresh mount", () =>
        {
            seen = TreeManifest.Of(mount.Path, times: true);
            mount.Dispose();
            using var fresh = volume.Mount("fresh");
            seen.Compare(TreeManifest.Of(fresh.Path, times: true), run, "a fresh mount");
            run.Figure("whole volume", seen.Figures);
        });
        run.Step("read everything with the stock client", () =>
        {
            using var stock = volume.MountStock("stock");
            seen!.Compare(TreeManifest.Of(stock.Path, times: true), run, "the stock client");
        });
        run.Step("look at the bricks on disk", volume.StopAndAudit);
    }

    private static void Bash(string directory, string script) => Shell.CheckBash(directory, script, Limits.Command);
}
