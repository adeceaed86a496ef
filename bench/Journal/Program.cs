using System;
using System.Globalization;
using System.Linq;
using System.Threading.Tasks;
using Myrmex.Bench;
using Myrmex.Replication.Unit.Tests.Real;

// Usage: JournalBench [--seconds N] [--host ADDRESS] [--plain | --set] [--types] [CASE…]
//   operations a second, processor time and allocated bytes of each, of a replica set of three with its client in this
//   process, and of one brick without a journal; --types tells what is allocated.
(string Name, Load.Kind Kind, int Callers, int Size)[] cases =
[
    ("stat", Load.Kind.Stat, 64, 0),
    ("lookup", Load.Kind.Lookup, 64, 0),
    ("read", Load.Kind.Read, 64, 4096),
    ("write-1", Load.Kind.Write, 1, 4096),
    ("write-16", Load.Kind.Write, 16, 4096),
    ("write-64", Load.Kind.Write, 64, 4096),
    ("write-128k", Load.Kind.Write, 8, 131072),
    ("mknod-1", Load.Kind.Mknod, 1, 0),
    ("mknod-64", Load.Kind.Mknod, 64, 0),
];
var host = Value("--host") ?? "127.77.87.1";
var seconds = double.Parse(Value("--seconds") ?? "3", CultureInfo.InvariantCulture);
var values = new[] { "--host", "--seconds" };
var names = args.Where((a, i) => !a.StartsWith('-') && (i == 0 || !values.Contains(args[i - 1]))).ToList();
using var types = args.Contains("--types") ? new AllocatedTypes() : null;
if (!args.Contains("--set"))
{
    using var brick = new PlainBrick(host, 49310);
    RunAsync("plain", new Load(() => brick.Top, sessions: false)).GetAwaiter().GetResult(); // Disposed of on this thread.
}

if (!args.Contains("--plain"))
{
    RealSet.Host = host;
    await using var set = new RealSet(3);
    await set.BeginAsync();
    await RunAsync("set", new Load(() => set.Top, sessions: true));
}

return 0;

string? Value(string option) => Array.IndexOf(args, option) is >= 0 and var at ? args[at + 1] : null;

async Task RunAsync(string what, Load load)
{
    await load.PrepareAsync();
    foreach (var (name, kind, callers, size) in cases.Where(c => names.Count == 0 || names.Contains(c.Name)))
    {
        _ = types?.Take(0);
        Console.WriteLine($"{what,-6} {name,-11} {await load.MeasureAsync(kind, callers, size, seconds)}");
        Console.Write(types?.Take(14));
    }
}
