using System.IO;
using System.Linq;
using Myrmex.Interop.Tests.Kit;

namespace Myrmex.Campaigns;

/// <summary>Runs <see cref="ClientUnderFire"/> against a <see cref="WildServer"/>.</summary>
internal static class ClientPart
{
    private const long BoundMiB = 768;

    public static void Run(CampaignRun run, WildRecords records, long fops)
    {
        var host = Addresses.NextLoopback();
        var port = Addresses.FreePort(host);
        var wild = new WildServer(run, records);
        using var server = new FakeServer(host, port, wild.OnCall);
        using var child = Child.Start(
            "client",
            run.Directory.Logs,
            "dotnet",
            "exec",
            typeof(ClientPart).Assembly.Location,
            ClientUnderFire.Verb,
            host,
            $"{port}",
            $"{run.Seed}",
            $"{fops}");
        using (new ProcessWatch(run, "the client process", child.Pid, BoundMiB))
        {
            for (var waited = 0; !child.WaitForExit(System.TimeSpan.FromSeconds(10)); waited++)
            {
                run.Say($"client: {wild.Sent} replies and callbacks sent, {ProcessWatch.ResidentMiB(child.Pid)} MiB resident");
                if (waited > Limits.Command.TotalSeconds / 10)
                {
                    run.Fail("the client does not end");
                    break;
                }
            }
        }

        if (child.Running || child.ExitCode != 0)
        {
            run.Fail($"the client under fire: {child.LogTail()}", $"--only client --seed {run.Seed}");
        }

        var last = File.ReadLines(child.Log).LastOrDefault(l => l.EndsWith("fops answered", System.StringComparison.Ordinal)) ?? "none";
        run.Figure("the client under fire", $"{last}; {wild.Sent} replies and callbacks on {server.Accepted} connections");
        foreach (var line in File.ReadLines(child.Log).Where(IsError).Take(5))
        {
            run.Fail($"the client logs an error: {line[..System.Math.Min(line.Length, 600)]}", $"--only client --seed {run.Seed}");
        }
    }

    private static bool IsError(string line) => line.Split(' ', 3) is [_, "E", _] && !line.Contains("attachment refused");
}
