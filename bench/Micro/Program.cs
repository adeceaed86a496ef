using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using Myrmex.Bench;

// Usage: Micro [--check EXPECTED] [--small] [NAME]
//   prints ns and bytes per operation; --check compares the bytes with a file of "NAME BYTES" lines and fails on more (plus 10 %);
//   --small takes seconds and is what the tests run. Times are reported, never judged.
var small = args.Contains("--small");
var check = Array.IndexOf(args, "--check");
var expected = check < 0 ? [] : ReadExpected(args[check + 1]);
var filter = args.LastOrDefault(a => !a.StartsWith('-') && (check < 0 || a != args[check + 1]));
var failed = 0;
Console.WriteLine($"{"benchmark",-34} {"ns/op",10} {"B/op",8}");
foreach (var benchmark in Benchmarks.All().Where(b => filter is null || b.Name.Contains(filter, StringComparison.Ordinal)))
{
    var (nanoseconds, bytes) = benchmark.Measure(small ? 2_000 : 100_000, small ? 2 : 5);
    var verdict = string.Empty;
    if (check >= 0)
    {
        var allowed = expected.GetValueOrDefault(benchmark.Name, 0);
        var good = bytes <= (allowed * 1.1) + 0.5;
        verdict = good ? string.Empty : $"  MORE THAN {allowed}";
        failed += good ? 0 : 1;
    }

    Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{benchmark.Name,-34} {nanoseconds,10:F1} {bytes,8:F1}{verdict}"));
}

return failed == 0 ? 0 : 1;

static Dictionary<string, double> ReadExpected(string path) =>
    File.ReadLines(path).Select(l => l.Trim()).Where(l => l.Length > 0 && l[0] != '#')
        .Select(l => l.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        .ToDictionary(w => w[0], w => double.Parse(w[1], CultureInfo.InvariantCulture));
