using System;
using System.Collections.Generic;
using System.Diagnostics.Tracing;
using System.Globalization;
using System.Linq;

namespace Myrmex.Bench;

/// <summary>Which types are allocated, by the runtime's samples of one in 100 KB.</summary>
internal sealed class AllocatedTypes : EventListener
{
    private readonly Dictionary<string, int> _samples = []; // Guards itself.

    /// <summary>The most frequent ones since the last time, with their share.</summary>
    public string Take(int count)
    {
        lock (_samples)
        {
            var all = Math.Max(1, _samples.Values.Sum());
            var text = string.Concat(_samples.OrderByDescending(s => s.Value).Take(count).Select(s => string.Create(
                CultureInfo.InvariantCulture, $"    {100.0 * s.Value / all,5:F1} % {s.Key}\n")));
            _samples.Clear();
            return text;
        }
    }

    protected override void OnEventSourceCreated(EventSource eventSource)
    {
        if (eventSource.Name == "Microsoft-Windows-DotNETRuntime")
        {
            EnableEvents(eventSource, EventLevel.Verbose, (EventKeywords)1);
        }
    }

    protected override void OnEventWritten(EventWrittenEventArgs eventData)
    {
        if (eventData.EventName is not { } name || !name.StartsWith("GCAllocationTick", StringComparison.Ordinal)
            || eventData.PayloadNames?.IndexOf("TypeName") is not (>= 0 and var at))
        {
            return;
        }

        var type = eventData.Payload![at] as string ?? "?"; // As long as the names.
        lock (_samples)
        {
            _samples[type] = _samples.GetValueOrDefault(type) + 1;
        }
    }
}
