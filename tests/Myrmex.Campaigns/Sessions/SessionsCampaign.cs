using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Interop.Tests.Kit;

namespace Myrmex.Campaigns;

/// <summary>
/// Many clients of one proxy, nearly all of them idle: what they cost, what a busy one notices of the others, and how
/// long it takes until all of them go on at another proxy when theirs is lost.
/// </summary>
internal sealed class SessionsCampaign : Campaign
{
    private const string Clients = "clients";
    private const string Files = "files";
    private const string Volume = "dist";

    private const int ClientsUsual = 10_000;
    private const int ClientsSmoke = 60;
    private const int FilesUsual = 5_000;

    /// <summary>Each has a connection to both proxies, and no process may have more descriptors than a user's.</summary>
    private const int ClientsPerProcess = 2_000;

    private const int BusySeconds = 20;

    /// <summary>All have to go on by then.</summary>
    private const int FailOverSeconds = 30;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(300);

    public override string Name => "sessions";

    public override string Summary => "thousands of clients at one proxy, and all of them at another one";

    public override Need Needs => Need.Xfs;

    public override IReadOnlyDictionary<string, string> Options { get; } =
        new Dictionary<string, string>(StringComparer.Ordinal)
        {
            [Clients] = $"thin clients ({ClientsUsual})",
            [Files] = $"of them with an open file and a lock ({FilesUsual})",
        };

    public override void Run(CampaignRun run)
    {
        var clients = (int)run.Options.Number(Clients, run.IsSmoke ? ClientsSmoke : ClientsUsual);
        var files = (int)run.Options.Number(Files, Math.Min(FilesUsual, clients / 2));
        Bed? bed = null;
        if (!run.Step("start bricks and two proxies", () => bed = run.Directory.Own(new Bed(run.Directory))))
        {
            return;
        }

        run.Figure("proxies without clients", bed!.Memory());
        var loads = new List<Helper>();
        try
        {
            var busy = bed.StartClients("busy", 1, 1);
            loads.Add(busy);
            Tell(run, "one client alone", Busy(busy, run));
            var idle = new List<Helper>();
            run.Step($"attach {clients - 1} clients", () => idle.AddRange(StartAll(run, bed, clients - 1, files)));
            loads.AddRange(idle);
            run.Figure($"proxies with {clients} clients, {files} open files and locks", bed.Memory());
            Tell(run, $"one client beside {clients - 1} idle ones", Busy(busy, run));
            foreach (var (what, lose, takeBack) in bed.Losses())
            {
                run.Step($"{what}: all go on", () => LoseAndTouch(run, what, loads, lose));
                run.Figure($"proxies after {what}", bed.Memory());
                takeBack();
                Thread.Sleep(TimeSpan.FromSeconds(run.IsSmoke ? 1 : 10));
            }
        }
        finally
        {
            loads.ForEach(l => l.Dispose());
        }
    }

    private static IEnumerable<Helper> StartAll(CampaignRun run, Bed bed, int clients, int files)
    {
        var started = new List<Helper>();
        for (var left = clients; left > 0; left -= ClientsPerProcess)
        {
            var count = Math.Min(left, ClientsPerProcess);
            var name = string.Create(CultureInfo.InvariantCulture, $"load{started.Count}");
            started.Add(bed.StartClients(name, count, (int)((long)count * files / clients)));
            run.Say($"{clients - left + count} clients are attached; {bed.Memory()}");
        }

        return started;
    }

    private static string Busy(Helper busy, CampaignRun run) =>
        busy.Ask(string.Create(CultureInfo.InvariantCulture, $"busy {(run.IsSmoke ? 1 : BusySeconds)}"), Patience);

    /// <summary>Every client does something at the moment of the loss.</summary>
    private static void LoseAndTouch(CampaignRun run, string what, List<Helper> loads, Action lose)
    {
        lose();
        var clock = Stopwatch.StartNew();
        var answers = loads.Select(l => Task.Run(() => l.Ask("touch", Patience))).ToArray();
        Task.WaitAll(answers);
        var all = clock.Elapsed.TotalSeconds;
        foreach (var answer in answers.Select(a => a.Result).Where(a => !a.EndsWith(" errors 0", StringComparison.Ordinal)))
        {
            run.Fail($"{what}: {answer}");
        }

        var longest = answers.Max(a => Number(a.Result, 4)) / 1e6;
        run.Figure(what, string.Create(CultureInfo.InvariantCulture, $"all clients had gone on after {all:0.00} s, the slowest operation took {longest:0.00} s"));
        if (all > FailOverSeconds)
        {
            run.Fail(string.Create(CultureInfo.InvariantCulture, $"{what}: it took {all:0.0} s until all had gone on"));
        }
    }

    private static void Tell(CampaignRun run, string what, string answer)
    {
        if (!answer.EndsWith(" errors 0", StringComparison.Ordinal))
        {
            run.Fail($"{what}: {answer}");
        }

        run.Figure(what, string.Create(
            CultureInfo.InvariantCulture,
            $"{Number(answer, 1)} writes one after another, {Number(answer, 2) / 1e3:0.00} ms (p50), {Number(answer, 3) / 1e3:0.00} ms (p99), "
                + $"{Number(answer, 4) / 1e3:0.0} ms at most"));
    }

    private static long Number(string answer, int word) => long.Parse(answer.Split(' ')[word], CultureInfo.InvariantCulture);

    /// <summary>A daemon with bricks and a proxy, and a second proxy by hand.</summary>
    private sealed class Bed : IDisposable
    {
        private const int Bricks = 3;

        private static readonly TimeSpan Soon = TimeSpan.FromSeconds(60);

        private readonly MyrmexDaemon _daemon;
        private readonly OwnProxy _second;
        private readonly int _port;

        public Bed(TestDirectory directory)
        {
            var disk = directory.Own(XfsImage.Mount(directory, "disk"));
            _daemon = directory.Own(new MyrmexDaemon(directory));
            _daemon.CreateVolume(Volume, Interop.Tests.Kit.Bricks.Make(disk.Path, Bricks));
            _daemon.Gluster($"volume set {Volume} config.gfproxyd enable");
            var volfile = $"{_daemon.WorkingDirectory}/proxy-volfiles/{Volume}.vol";
            Wait.Until("the proxy serves", Soon, () => PortOfFirst() > 0);
            Ledger.AddProcess(_daemon.ProxyLauncherPid);
            _port = PortOfFirst();
            _second = new OwnProxy(directory, directory.Write("second.list", volfile + "\n"));
        }

        public string Memory() => string.Create(
            CultureInfo.InvariantCulture,
            $"first {ProcessWatch.ResidentMiB(_daemon.ProxyPid)} MiB, second {ProcessWatch.ResidentMiB(_second.Pid)} MiB, bricks "
                + $"{ProcessWatch.ResidentMiB(_daemon.BrickPid)} MiB; processor time {CpuSeconds(_daemon.ProxyPid):0.0}, "
                + $"{CpuSeconds(_second.Pid):0.0}, {CpuSeconds(_daemon.BrickPid):0.0} s");

        /// <summary>A process with clients that prefer the first proxy; all are attached when this returns.</summary>
        public Helper StartClients(string name, int count, int files)
        {
            var load = Helper.StartProgram(
                "dotnet", "exec", typeof(SessionsCampaign).Assembly.Location, ThinSessions.Verb, _daemon.Host, Addresses.Text(_port),
                Addresses.Text(_second.Port), Volume, Addresses.Text(count), Addresses.Text(files), name);
            var answer = load.Answer(Patience);
            return answer?.EndsWith(" errors 0", StringComparison.Ordinal) == true ? load
                : throw new HarnessException($"{name}: the clients are not ready: {answer}");
        }

        /// <summary>Ways to lose the proxy that all clients use, in turn.</summary>
        public IEnumerable<(string What, Action Lose, Action TakeBack)> Losses()
        {
            yield return ("kill of the first proxy's process", () => Child.Signal(_daemon.ProxyPid, "KILL"), static () => { });
            var stopped = _second.Pid; // Where all are now.
            yield return (
                "stop of the second proxy's process", () => Child.Signal(stopped, "STOP"), () => Child.Signal(stopped, "CONT"));
        }

        /// <summary>The rest belongs to the directory.</summary>
        public void Dispose() => _second.Dispose();

        private static double CpuSeconds(int pid)
        {
            using var process = Process.GetProcessById(pid);
            return process.TotalProcessorTime.TotalSeconds;
        }

        private int PortOfFirst()
        {
            var status = Shell.Run(
                "/", Shell.DefaultLimit, "env",
                [$"MYRMEX_WORKDIR={_daemon.WorkingDirectory}", Product.Executable, "proxy", "status", "--json"]);
            return status.ExitCode != 0 ? 0
                : System.Text.Json.Nodes.JsonNode.Parse(status.Output)?["proxies"]?[0]?["port"]?.GetValue<int>() ?? 0;
        }
    }
}
