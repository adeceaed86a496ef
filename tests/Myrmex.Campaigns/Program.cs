using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Runtime.InteropServices;
using Myrmex.Interop.Tests.Kit;

namespace Myrmex.Campaigns;

/// <summary><c>./campaign NAME [options]</c>; without a name, the list of campaigns.</summary>
internal static class Program
{
    private const int BadUse = 2;
    private const int Failed = 1;

    public static int Main(string[] arguments)
    {
        if (arguments is [ClientUnderFire.Verb, ..])
        {
            return ClientUnderFire.Run(arguments);
        }

        if (arguments is [ThinSessions.Verb, ..])
        {
            return ThinSessions.Run(arguments);
        }

        if (arguments is not [var name, ..] || Campaign.Find(name) is not { } campaign)
        {
            return Help(arguments.Length == 0 || arguments[0] is "help" or "-h" or "--help");
        }

        Ledger.Open();
        FailureWatch.Start();
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, EndAtOnce);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, EndAtOnce);
        try
        {
            return Run(campaign, arguments[1..], Console.Out);
        }
        finally
        {
            Ledger.Close();
        }
    }

    /// <summary>Takes away what was made, while the campaign may still be at work on it, and ends.</summary>
    private static void EndAtOnce(PosixSignalContext context)
    {
        context.Cancel = true;
        Ledger.Close();
        Environment.Exit(128 + (context.Signal == PosixSignal.SIGINT ? 2 : 15));
    }

    /// <summary>Runs a campaign in this process; 0 when nothing failed.</summary>
    public static int Run(Campaign campaign, IReadOnlyList<string> words, TextWriter output)
    {
        CampaignOptions options;
        try
        {
            options = CampaignOptions.Parse(words, campaign);
        }
        catch (ArgumentException e)
        {
            output.WriteLine(e.Message);
            return BadUse;
        }

        if (Machine.Missing(campaign.Needs) is { } missing)
        {
            output.WriteLine($"{campaign.Name} {missing}");
            return BadUse;
        }

        var run = new CampaignRun(campaign, options, output);
        Try(run, () => campaign.Run(run));
        Try(run, run.Dispose);
        run.Finish();
        return run.Failures == 0 ? 0 : Failed;
    }

    private static void Try(CampaignRun run, Action action)
    {
        try
        {
            action();
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            run.Fail(e is HarnessException or ArgumentException ? e.Message : e.ToString());
        }
    }

    private static int Help(bool asked)
    {
        var output = asked ? Console.Out : Console.Error;
        output.WriteLine("usage: ./campaign NAME [--seed N] [--smoke] [options]");
        foreach (var campaign in Campaign.All)
        {
            output.WriteLine($"\n{campaign.Name}: {campaign.Summary}");
            foreach (var (name, help) in campaign.Options.OrderBy(o => o.Key, StringComparer.Ordinal))
            {
                output.WriteLine($"  --{name,-14} {help}");
            }
        }

        return asked ? 0 : BadUse;
    }
}
