using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;

namespace Myrmex.Interop.Tests.Kit;

/// <summary><c>myrmex brick</c> over hand-written volume files: all bricks of a volume in one process.</summary>
internal sealed class BrickProcess : IDisposable
{
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(20);

    /// <summary>MYRMEX_INTEROP_STORAGE=storage/memory runs tests that do not look at the disk on bricks in memory.</summary>
    private static readonly string DefaultStorage = Environment.GetEnvironmentVariable("MYRMEX_INTEROP_STORAGE") ?? Volfiles.Disk;

    private readonly TestDirectory _directory;
    private readonly string _list;
    private readonly int _port;
    private Child? _child;

    /// <summary>Starts the process for these brick directories, which must exist.</summary>
    public BrickProcess(TestDirectory directory, string volume, IReadOnlyList<string> paths, string? storage = null)
    {
        _directory = directory;
        Host = Addresses.NextLoopback();
        _port = Addresses.FreePort(Host);
        Bricks = [.. paths.Select(path => new BrickAddress(Host, _port, path))];
        foreach (var path in paths)
        {
            var id = StampVolumeId(path);
            directory.Write(Addresses.Dashed(path) + ".vol", Volfiles.Brick(volume, path, id, storage ?? DefaultStorage));
        }

        _list = directory.Write("bricks.list", string.Concat(paths.Select(p => directory[Addresses.Dashed(p) + ".vol"] + "\n")));
        Start();
    }

    public string Host { get; }

    public IReadOnlyList<BrickAddress> Bricks { get; }

    public int Pid => _child?.Pid ?? throw new HarnessException("the bricks are stopped");

    public string Log => _child?.Log ?? "";

    public void Start()
    {
        _child = Child.Start(
            "brick", _directory.Logs, Product.Executable, "brick", "--bind", Host, "--port", Addresses.Text(_port), "--bricks", _list);
        var child = _child;
        Wait.Until(
            "the brick process listens", StartLimit, () => !child.Running || Addresses.Answers(Host, _port), () => child.LogTail());
        if (!child.Running)
        {
            throw new HarnessException($"the brick process ended with {child.ExitCode}\n{child.LogTail()}");
        }
    }

    /// <summary>kill -9.</summary>
    public void Kill() => _child?.Kill();

    public bool Stop() => _child?.Stop() ?? true;

    public bool Running => _child is { Running: true };

    public void Dispose() => _child?.Dispose();

    /// <summary>Gives the directory a volume id if it has none, as a brick must have.</summary>
    public static string StampVolumeId(string path)
    {
        const string Id = "6d79726d-6578-4d79-a2b3-c4d5e6f70809";
        Directory.CreateDirectory(Path.Combine(path, ".glusterfs"));
        var present = Shell.Run("/", Shell.DefaultLimit, "getfattr", "--only-values", "-e", "hex", "-n", VolumeIdKey, path);
        if (present.ExitCode == 0)
        {
            var hex = Shell.Check("/", "getfattr", "--absolute-names", "-e", "hex", "-n", VolumeIdKey, path)
                .Split('\n').First(l => l.StartsWith(VolumeIdKey, StringComparison.Ordinal))[(VolumeIdKey.Length + 3)..];
            return Guid.ParseExact(hex, "N").ToString();
        }

        Shell.Check("/", "setfattr", "-n", VolumeIdKey, "-v", "0x" + Guid.Parse(Id).ToString("N"), path);
        return Id;
    }

    private const string VolumeIdKey = "trusted.glusterfs.volume-id";
}
