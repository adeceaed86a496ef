using System;
using Xunit;

namespace Myrmex.Interop.Tests.Kit;

/// <summary>A program with the stock gfapi library that takes leases (Helpers/leases.py).</summary>
internal static class LeaseProgram
{
    public static Helper Start(string host, string volume, TimeSpan limit) =>
        Ready(Helper.Start("leases.py", "server", host, volume), limit);

    /// <summary>Waits until it has the volume.</summary>
    public static Helper Ready(Helper program, TimeSpan limit)
    {
        Assert.Equal("ready", program.Answer(limit));
        return program;
    }

    /// <summary>The answer to a command without its time.</summary>
    public static string Do(Helper program, string command, TimeSpan? limit = null)
    {
        var answer = program.Ask(command, limit);
        return answer[..answer.LastIndexOf(' ')];
    }
}
