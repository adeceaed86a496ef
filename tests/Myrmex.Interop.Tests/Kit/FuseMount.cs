using System;

namespace Myrmex.Interop.Tests.Kit;

/// <summary>A mounted volume, whoever serves and whoever mounts it.</summary>
internal abstract class FuseMount : IDisposable
{
    private static readonly TimeSpan ReadyLimit = TimeSpan.FromSeconds(30);

    private readonly Child _child;

    protected FuseMount(Child child, string path)
    {
        _child = child;
        Path = path;
        try
        {
            WaitReady();
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public string Path { get; }

    public int Pid => _child.Pid;

    public bool Running => _child.Running;

    public string Log => _child.Log;

    /// <summary>kill -9 of the client: applications see ENOTCONN until the mount is detached.</summary>
    public void Kill() => _child.Kill();

    public string LogTail(int lines = 25) => _child.LogTail(lines);

    /// <summary>Runs a bash script inside the mount; a failing command fails the test.</summary>
    public string Sh(string script, TimeSpan? limit = null) => Shell.CheckBash(Path, script, limit);

    /// <summary>Unmounts and waits for the client to end.</summary>
    /// <returns>False when something held the mount, or the client had to be killed.</returns>
    public bool Unmount()
    {
        var clean = Mounts.Unmount(Path);
        return (_child.WaitForExit(TimeSpan.FromSeconds(5)) || _child.Stop()) && clean;
    }

    public void Dispose()
    {
        if (_child.Running)
        {
            Unmount();
        }

        Mounts.Unmount(Path);
        _child.Dispose();
    }

    private void WaitReady()
    {
        Wait.Until(
            $"{Path} is mounted",
            ReadyLimit,
            () => !_child.Running || Mounts.TypeOf(Path)?.StartsWith("fuse", StringComparison.Ordinal) == true,
            () => _child.LogTail());
        if (!_child.Running)
        {
            throw new HarnessException($"the client ended with {_child.ExitCode}\n{_child.LogTail()}");
        }

        // The first answers may be ENOTCONN: a stock client mounts before its bricks are connected.
        Wait.Until(
            $"{Path} answers",
            ReadyLimit,
            () => Shell.Run("/", TimeSpan.FromSeconds(20), "stat", "-t", Path).ExitCode == 0
                && Shell.Run("/", TimeSpan.FromSeconds(20), "ls", Path).ExitCode == 0,
            () => _child.LogTail());
    }
}
