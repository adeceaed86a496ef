using System;
using System.IO;
using System.Linq;
using Myrmex.Interop.Tests.Kit;

namespace Myrmex.Campaigns;

/// <summary>The same work with one repository on the mount and on the local file system.</summary>
internal sealed class GitWork(CampaignRun run, FuseMount mount, string local, string repository)
{
    private const int CommitsVisited = 5;
    private const int CommitsVisitedSmoke = 2;

    // Nothing of the user's configuration, and no work behind our back.
    private const string Settings =
        "export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1 GIT_TERMINAL_PROMPT=0 GIT_ADVICE=0; ";

    private const string Clone1 = "clone -q --no-local -c gc.auto=0 -c maintenance.auto=false -c advice.detachedHead=false";

    private readonly string _mounted = Path.Combine(mount.Path, "clone");
    private readonly string _local = Path.Combine(local, "clone");
    private readonly string _build = run.Directory.Make("build");

    public bool Clone() =>
        run.Step("git clone into the mount", () => Git("/", $"{Clone1} '{repository}' '{_mounted}'"))
        && run.Step("git clone beside it", () => Git("/", $"{Clone1} '{repository}' '{_local}'"))
        && run.Step("git status after the clone", () => CheckState("HEAD"));

    public void CheckRepository() => run.Step("git fsck", () =>
    {
        var text = Git(_mounted, "fsck --full --no-dangling --no-progress");
        run.Figure("git objects", Git(_mounted, "count-objects -v").ReplaceLineEndings(", ").Trim(',', ' '));
        if (text.Trim().Length > 0)
        {
            run.Fail($"git fsck says {text}");
        }
    });

    /// <summary>Goes back through the history and forth again; every state must be that of the local clone.</summary>
    public void CheckOut() => run.Step("git checkout back and forth", () =>
    {
        var commits = Git(_local, "rev-list --first-parent HEAD").Split('\n', StringSplitOptions.RemoveEmptyEntries);
        var wanted = run.IsSmoke ? CommitsVisitedSmoke : CommitsVisited;
        var step = Math.Max(1, commits.Length / wanted);
        var visited = commits.Where((_, index) => index % step == 0).Take(wanted).ToArray();
        foreach (var commit in visited.Concat(visited.Reverse()).Append(commits[0]))
        {
            Git(_mounted, $"checkout -q {commit}");
            CheckState(commit);
        }

        run.Figure("commits checked out", $"{visited.Length * 2} of {commits.Length}");
    });

    /// <summary>Builds at the commit in both places with the same commands and compares everything that came out.</summary>
    public void Build(string commit, string arguments) => run.Step($"make -j4 at {commit}", () =>
    {
        Git(_mounted, $"checkout -q {commit}");
        CheckState(commit);
        Git(_local, $"checkout -q {commit}");
        foreach (var (place, log) in new[] { (_local, "local"), (_mounted, "mounted") })
        {
            // Both at the same path, in a mount namespace of its own: objects and scripts name the folder they were made in.
            var script = $"mount --bind '{place}' '{_build}'; cd '{_build}'; "
                + $"make -j4 {arguments} > '{run.Directory[$"make-{log}.log"]}' 2>&1";
            var result = Shell.Run("/", Limits.Command, "unshare", "-m", "/bin/bash", "-ec", Settings + script);
            if (result.ExitCode != 0)
            {
                throw new HarnessException($"{result}\n{Child.TailOf(run.Directory[$"make-{log}.log"])}");
            }
        }

        TreeManifest.OfBuild(_local).Compare(TreeManifest.OfBuild(_mounted), run, "the build");
        var objects = Shell.CheckBash(_mounted, "find . -name '*.o' | wc -l", Limits.Command).Trim();
        run.Figure("objects built and compared", objects);
        if (objects == "0")
        {
            run.Fail("the build made no object");
        }
    });

    private void CheckState(string commit)
    {
        var status = Git(_mounted, "status --porcelain");
        if (status.Length > 0)
        {
            run.Fail($"git status after checkout of {commit}: {status}");
        }

        Git(_local, $"checkout -q {commit}");
        TreeManifest.Of(_local, times: false, skip: ".git")
            .Compare(TreeManifest.Of(_mounted, times: false, skip: ".git"), run, $"checkout of {commit}");
    }

    private static string Git(string directory, string arguments) =>
        Shell.CheckBash(directory, $"{Settings}git {arguments}", Limits.Command);
}
