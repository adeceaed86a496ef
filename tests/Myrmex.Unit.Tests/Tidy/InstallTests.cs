using System;
using System.Diagnostics;
using System.IO;
using Xunit;

namespace Myrmex.Unit.Tests.Tidy;

/// <summary><c>packaging/install</c> in a tree of its own, whose executable is a script, below a root of its own.</summary>
public sealed class InstallTests : IDisposable
{
    private readonly string _tree = Directory.CreateTempSubdirectory("myrmex-install-").FullName;

    public InstallTests()
    {
        foreach (var directory in new[] { "packaging", "tools", "artifacts/native", "root" })
        {
            Directory.CreateDirectory(Path.Combine(_tree, directory));
        }

        foreach (var name in new[] { "install", "mount.myrmex", "myrmex.service" })
        {
            File.Copy(Path.Combine(Repository.Root, "packaging", name), Path.Combine(_tree, "packaging", name));
        }

        Script("tools/build-native", "exit 0");
        Script("artifacts/native/myrmex", "echo version one");
        Script("artifacts/native/libe_sqlite3.so", string.Empty);
        Script("artifacts/native/myrmex.dbg", string.Empty);
    }

    private string Root => Path.Combine(_tree, "root");

    private string Library => Path.Combine(Root, "usr/local/lib/myrmex");

    public void Dispose() => Directory.Delete(_tree, recursive: true);

    [Fact]
    public void WhatIsInstalledRunsAndAnUpgradeTakesItsPlace()
    {
        Install();
        var command = Path.Combine(Root, "usr/local/sbin/myrmex");
        Assert.Equal("version one\n", Run(command));
        Assert.True(File.Exists(Path.Combine(Root, "sbin/mount.myrmex")));
        Assert.True(File.Exists(Path.Combine(Root, "etc/systemd/system/myrmex.service")));
        Assert.True(File.Exists(Path.Combine(Library, "libe_sqlite3.so")));
        Assert.False(File.Exists(Path.Combine(Library, "myrmex.dbg")));
        Assert.False(File.Exists(Path.Combine(Root, "usr/local/sbin/gluster")));

        // Running processes keep the file that they were started from.
        using var running = File.OpenRead(Path.Combine(Library, "myrmex"));
        Script("artifacts/native/myrmex", "echo version two");
        Install();
        Assert.Equal("version two\n", Run(command));
        Assert.Contains("version one", new StreamReader(running).ReadToEnd());
    }

    [Fact]
    public void AliasesTakeNobodysPlaceAndGoWithTheRest()
    {
        Directory.CreateDirectory(Path.Combine(Root, "usr/local/sbin"));
        File.WriteAllText(Path.Combine(Root, "usr/local/sbin/glusterd"), "GlusterFS' own");
        Assert.Contains("glusterd is there already and was left alone", Install("--aliases"));
        Assert.Equal("version one\n", Run(Path.Combine(Root, "usr/local/sbin/gluster")));
        Install("--remove");
        Assert.Equal(
            [Path.Combine(Root, "usr/local/sbin/glusterd")],
            Directory.GetFileSystemEntries(Path.Combine(Root, "usr/local/sbin")));
        Assert.False(Directory.Exists(Library));
        Assert.Empty(Directory.GetFileSystemEntries(Path.Combine(Root, "sbin")));
        Assert.Equal("GlusterFS' own", File.ReadAllText(Path.Combine(Root, "usr/local/sbin/glusterd")));
    }

    [Fact]
    public void AMachineThatOnlyMountsGetsTheSmallExecutable()
    {
        Script("artifacts/native/myrmex-mount", "echo small");
        Install("--client", "--aliases");
        var mounter = Path.Combine(Root, "usr/local/sbin/myrmex-mount");
        Assert.Equal("small\n", Run(mounter));
        Assert.Equal([mounter], Directory.GetFileSystemEntries(Path.Combine(Root, "usr/local/sbin")));
        Assert.Equal([Path.Combine(Library, "myrmex-mount")], Directory.GetFileSystemEntries(Library));
        Assert.Equal("/usr/local/sbin/myrmex-mount", new FileInfo(Path.Combine(Root, "sbin/mount.glusterfs")).LinkTarget);
        Assert.False(Directory.Exists(Path.Combine(Root, "etc")));
        Install("--remove");
        Assert.Empty(Directory.GetFileSystemEntries(Path.Combine(Root, "usr/local/sbin")));
        Assert.Empty(Directory.GetFileSystemEntries(Path.Combine(Root, "sbin")));
    }

    private string Install(params string[] options) =>
        Run(Path.Combine(_tree, "packaging/install"), [.. options, "--root", Root]);

    private void Script(string file, string line)
    {
        var path = Path.Combine(_tree, file);
        File.Delete(path);
        File.WriteAllText(path, "#!/bin/sh\n" + line + "\n");
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    private static string Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, output + errors.Result);
        return output;
    }
}
