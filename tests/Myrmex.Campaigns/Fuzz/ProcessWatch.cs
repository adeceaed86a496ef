using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Threading;

namespace Myrmex.Campaigns;

/// <summary>Samples the memory of a process until it is disposed; a memory above the bound is one failure.</summary>
internal sealed class ProcessWatch : IDisposable
{
    private const int PeriodMs = 200;

    private readonly CampaignRun _run;
    private readonly string _name;
    private readonly int _pid;
    private readonly long _boundMiB;
    private readonly Timer _timer;
    private readonly List<long> _samples = [];

    public ProcessWatch(CampaignRun run, string name, int pid, long boundMiB)
    {
        _run = run;
        _name = name;
        _pid = pid;
        _boundMiB = boundMiB;
        _timer = new Timer(_ => Sample(), null, 0, PeriodMs);
    }

    /// <summary>Resident MiB of the process now; 0 when it is gone.</summary>
    public static long ResidentMiB(int pid)
    {
        try
        {
            var line = File.ReadLines($"/proc/{pid}/status").FirstOrDefault(l => l.StartsWith("VmRSS:", StringComparison.Ordinal));
            return line is null ? 0 : long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) >> 10;
        }
        catch (IOException)
        {
            return 0;
        }
    }

    /// <summary>Writes down the quarters' maxima: what grows without end grows from one to the next.</summary>
    public void Dispose()
    {
        _timer.Dispose();
        lock (_samples)
        {
            if (_samples.Count == 0)
            {
                return;
            }

            var quarters = _samples.Chunk(Math.Max(1, (_samples.Count + 3) / 4)).Select(chunk => chunk.Max());
            _run.Figure($"resident memory of {_name}, MiB, most in each quarter", string.Join(", ", quarters));
        }
    }

    private void Sample()
    {
        var resident = ResidentMiB(_pid);
        lock (_samples)
        {
            var wasAbove = _samples.Count > 0 && _samples.Max() > _boundMiB;
            _samples.Add(resident);
            if (resident > _boundMiB && !wasAbove)
            {
                _run.Fail($"{_name} has {resident} MiB in memory, more than {_boundMiB}");
            }
        }
    }
}
