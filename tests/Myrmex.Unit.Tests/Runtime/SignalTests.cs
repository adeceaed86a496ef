using System;
using System.IO;
using System.Linq;
using System.Runtime.InteropServices;
using System.Threading;
using Myrmex.Runtime.Linux;
using Xunit;

namespace Myrmex.Unit.Tests.Runtime;

/// <summary>Signals that a process was started to ignore.</summary>
public sealed class SignalTests
{
    private const int SigWinch = 28; // Nobody else uses it here, and it ends no process.

    [Fact]
    public void AnIgnoredSignalIsHandledOnceItIsHeeded()
    {
        var before = Signal(SigWinch, handler: 1); // SIG_IGN
        try
        {
            Assert.True(IsIgnored());
            Sys.HeedSignal(SigWinch);
            Assert.False(IsIgnored());
            using var came = new ManualResetEventSlim();
            using var registration = PosixSignalRegistration.Create(PosixSignal.SIGWINCH, _ => came.Set());
            Sys.Kill(Environment.ProcessId, SigWinch);
            Assert.True(came.Wait(TimeSpan.FromSeconds(20)));
        }
        finally
        {
            Signal(SigWinch, before);
        }
    }

    private static bool IsIgnored()
    {
        var mask = File.ReadLines("/proc/self/status").First(l => l.StartsWith("SigIgn:", StringComparison.Ordinal)).Split('\t')[1];
        return (Convert.ToUInt64(mask, 16) >> (SigWinch - 1) & 1) != 0;
    }

    [DllImport("libc", EntryPoint = "signal")]
    private static extern nint Signal(int signal, nint handler);
}
