using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Threading;

namespace Myrmex.Interop.Tests.Kit;

/// <summary>
/// A test's own directory. At the end everything below it is unmounted and removed; after a failure its logs and volume files are
/// kept below <c>artifacts/interop-logs</c> and their place is printed.
/// </summary>
internal sealed class TestDirectory : IDisposable
{
    private const int KeptFileBytesMax = 4 << 20;

    private static readonly string[] KeptEndings = [".log", ".vol", ".dump", ".txt", ".json", ".info"];

    private static int _count;

    private readonly int _failuresBefore = FailureWatch.Failures;
    private readonly Stack<IDisposable> _owned = new();

    public TestDirectory(string name)
    {
        Name = $"{name}-{Interlocked.Increment(ref _count)}";
        Path = System.IO.Path.Combine(Ledger.Run, Name);
        Directory.CreateDirectory(Path);
    }

    public string Name { get; }

    public string Path { get; }

    public string Logs => Make("log");

    /// <summary>Disposes the value before the directory is removed, in reverse order of calls.</summary>
    public T Own<T>(T value)
        where T : IDisposable
    {
        _owned.Push(value);
        return value;
    }

    /// <summary>The subdirectory, made if it does not exist.</summary>
    public string Make(string relative)
    {
        var path = this[relative];
        Directory.CreateDirectory(path);
        return path;
    }

    public string Write(string relative, string text)
    {
        var path = this[relative];
        File.WriteAllText(path, text);
        return path;
    }

    public string this[string relative] => System.IO.Path.Combine(Path, relative);

    public void Dispose()
    {
        var problems = new List<string>();
        while (_owned.TryPop(out var value))
        {
            try
            {
                value.Dispose();
            }
            catch (Exception e) when (e is not OutOfMemoryException)
            {
                problems.Add(e.Message);
            }
        }

        if (FailureWatch.Failures > _failuresBefore || problems.Count > 0)
        {
            KeepLogs();
        }

        foreach (var mount in Mounts.Below(Path).Reverse())
        {
            problems.AddRange(Mounts.Unmount(mount) ? [] : [$"{mount} was busy"]);
        }

        if (Mounts.Below(Path).Length == 0)
        {
            Shell.Run("/", Shell.DefaultLimit, "rm", "-rf", "--one-file-system", Path);
        }

        if (problems.Count > 0)
        {
            throw new HarnessException($"{Name} did not end cleanly: {string.Join("; ", problems)}");
        }
    }

    private void KeepLogs()
    {
        var target = System.IO.Path.Combine(Product.Artifacts, "interop-logs", Name);
        foreach (var directory in new[] { Path, Logs })
        {
            foreach (var file in Directory.EnumerateFiles(directory))
            {
                Keep(file, target);
            }
        }

        Console.Error.WriteLine($"logs of {Name}: {target}");
    }

    private static void Keep(string file, string target)
    {
        if (KeptEndings.Any(e => file.EndsWith(e, StringComparison.Ordinal)) && new FileInfo(file).Length <= KeptFileBytesMax)
        {
            Directory.CreateDirectory(target);
            File.Copy(file, System.IO.Path.Combine(target, System.IO.Path.GetFileName(file)), overwrite: true);
        }
    }
}
