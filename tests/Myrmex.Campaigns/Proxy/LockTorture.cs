using System;
using System.Collections.Generic;
using System.IO;
using Myrmex.Interop.Tests.Kit;

namespace Myrmex.Campaigns;

/// <summary>Processes on several mounts that fight for locks of one file and keep them: <c>locktorture.py</c>.</summary>
internal sealed class LockTorture : IDisposable
{
    private const int PerMount = 2;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);

    private readonly List<Helper> _clients = [];
    private readonly List<string> _logs = [];
    private readonly string _file;

    /// <param name="name">Of the round; its directory on the volume exists.</param>
    public LockTorture(TestDirectory directory, string name, params string[] mounts)
    {
        _file = Path.Combine(mounts[0], name, "locks");
        for (var i = 0; i < PerMount * mounts.Length; i++)
        {
            _logs.Add(directory[$"{name}.locks-{Addresses.Text(i)}.log"]);
            _clients.Add(Helper.Start(
                "locktorture.py", "run", Path.Combine(mounts[i % mounts.Length], name, "locks"), directory.Make($"{name}.guards"),
                _logs[i], Addresses.Text(i)));
            if (_clients[i].Answer(Patience) != "ready")
            {
                throw new HarnessException("locktorture.py does not start");
            }
        }
    }

    /// <summary>A line an operation: see <see cref="OperationLogs"/>.</summary>
    public IReadOnlyCollection<string> Logs => _logs;

    /// <summary>Ends the clients and checks what they saw.</summary>
    /// <returns>What there was, for people.</returns>
    public string Finish()
    {
        // All at once: a lock that one waits for is held by another.
        _clients.ForEach(c => c.End());
        _clients.ForEach(c => c.Finish(Patience));
        var result = Shell.Run("/", Patience, "python3", [Helper.PathOf("locktorture.py"), "check", _file, .. _logs]);
        return result.ExitCode == 0 && result.Output.Contains(" wrong 0", StringComparison.Ordinal) ? result.Output.Trim()
            : throw new HarnessException($"locks: {result.Output}{result.Error}");
    }

    public void Dispose() => _clients.ForEach(c => c.Dispose());
}
