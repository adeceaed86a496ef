using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Threading;
using Myrmex.Interop.Tests.Kit;
using Myrmex.Runtime.Simulation;

namespace Myrmex.Campaigns;

/// <summary>One run of a campaign: its options, its directory, its failures and its figures. Safe for all threads.</summary>
internal sealed class CampaignRun : IDisposable
{
    private const int FailuresShownMax = 100;

    private readonly Campaign _campaign;
    private readonly TextWriter _output;
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly Lock _lock = new(); // Guards the output, the figures and the count.
    private readonly List<(string Name, string Value)> _figures = [];
    private int _failures;

    public CampaignRun(Campaign campaign, CampaignOptions options, TextWriter output)
    {
        _campaign = campaign;
        _output = output;
        Options = options;
        Seed = (ulong)options.Number(CampaignOptions.Seed, 1);
        Directory = new TestDirectory(campaign.Name);
    }

    public CampaignOptions Options { get; }

    public ulong Seed { get; }

    /// <summary>A few seconds that show that the campaign works, as a part of <c>./test</c>.</summary>
    public bool IsSmoke => Options.Has(CampaignOptions.Smoke);

    public TestDirectory Directory { get; }

    public int Failures => Volatile.Read(ref _failures);

    /// <summary>A generator for one part of the run: parts do not disturb each other's numbers.</summary>
    public SimRandom Random(ulong part) => new((Seed * 0x9E3779B97F4A7C15) + part);

    /// <summary>A line of progress.</summary>
    public void Say(string text)
    {
        lock (_lock)
        {
            _output.WriteLine(string.Create(
                CultureInfo.InvariantCulture, $"[{_clock.Elapsed.TotalSeconds,7:0.0} s] {_campaign.Name}: {text}"));
        }
    }

    /// <summary>A failure: one line with how to repeat it. The run goes on.</summary>
    /// <param name="replay">Options that repeat just this; null for all of the run.</param>
    public void Fail(string what, string? replay = null)
    {
        FailureWatch.Note(); // The directory keeps its logs.
        if (Interlocked.Increment(ref _failures) > FailuresShownMax)
        {
            return;
        }

        var again = $"./campaign {_campaign.Name} {replay ?? WithSeed()}".TrimEnd();
        lock (_lock)
        {
            _output.WriteLine($"FAILED {_campaign.Name}: {what.Trim().ReplaceLineEndings(" | ")}; repeat: {again}");
        }
    }

    /// <summary>Runs a part and tells its time; an exception is a failure of the campaign.</summary>
    /// <returns>True when it added no failure.</returns>
    public bool Step(string name, Action body)
    {
        Say(name);
        var clock = Stopwatch.StartNew();
        var before = Failures;
        try
        {
            body();
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            Fail($"{name}: {(e is HarnessException ? e.Message : e.ToString())}");
        }

        var good = Failures == before;
        Figure(name, string.Create(CultureInfo.InvariantCulture, $"{clock.Elapsed.TotalSeconds:0.0} s") + (good ? "" : ", FAILED"));
        return good;
    }

    /// <summary>Something to write down; shown at the end.</summary>
    public void Figure(string name, string value)
    {
        lock (_lock)
        {
            _figures.Add((name, value));
        }
    }

    /// <summary>Prints figures and the last line.</summary>
    public void Finish()
    {
        lock (_lock)
        {
            foreach (var (name, value) in _figures)
            {
                _output.WriteLine($"  {name}: {value}");
            }

            _output.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{_campaign.Name}: {(Failures == 0 ? "good" : $"{Failures} failures")}, {_clock.Elapsed.TotalSeconds:0} s, seed {Seed}"));
        }
    }

    public void Dispose() => Directory.Dispose();

    private string WithSeed() =>
        Options.Has(CampaignOptions.Seed) ? Options.Line : $"{Options.Line} --{CampaignOptions.Seed} {Seed}".TrimStart();
}
