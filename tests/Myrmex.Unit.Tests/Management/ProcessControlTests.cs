using System;
using System.IO;
using System.Threading.Tasks;
using Myrmex.Management.Bricks;
using Myrmex.Runtime.Linux;
using Xunit;

namespace Myrmex.Unit.Tests.Management;

/// <summary>A launcher names the process that serves in a file; who believes it asks whether that is its child.</summary>
public sealed class ProcessControlTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("myrmex-processes").FullName;

    private string PidFile => Path.Combine(_directory, "pid");

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task OnlyALivingChildIsFoundByItsFile()
    {
        var control = new LinuxProcessControl();
        var parent = control.Start(
            ["/bin/sh", "-c", $"sleep 600 & echo $! > {PidFile}.new; mv {PidFile}.new {PidFile}; wait; sleep 600"],
            Path.Combine(_directory, "out"));
        await FakeNode.UntilAsync(() => control.FindChild(parent, PidFile) is not null);
        var child = control.FindChild(parent, PidFile)!.Value;
        Assert.True(control.IsAlive(child));
        Assert.NotEqual(parent, child);
        Assert.Null(control.FindChild(child, PidFile)); // Of another parent.
        foreach (var text in (string[])[$"{Environment.ProcessId}\n", $"{parent.Pid}\n", "0\n", "-1", "no number", ""])
        {
            await File.WriteAllTextAsync(PidFile, text);
            Assert.Null(control.FindChild(parent, PidFile));
        }

        await File.WriteAllTextAsync(PidFile, $"{child.Pid}\n");
        Assert.Equal(child, control.FindChild(parent, PidFile));
        control.Signal(child, Sys.SignalKill);
        await FakeNode.UntilAsync(() => control.FindChild(parent, PidFile) is null);
        Assert.True(control.IsAlive(parent));
        control.Signal(parent, Sys.SignalKill);
        await FakeNode.UntilAsync(() => !control.IsAlive(parent));
        File.Delete(PidFile);
        Assert.Null(control.FindChild(parent, PidFile));
    }
}
