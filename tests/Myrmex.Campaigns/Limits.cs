using System;

namespace Myrmex.Campaigns;

/// <summary>The named maxima of the campaigns. Times only end what hangs; none of them is a requirement of speed.</summary>
internal static class Limits
{
    /// <summary>One command of a campaign: a clone, a build, a check of a repository.</summary>
    public static readonly TimeSpan Command = TimeSpan.FromMinutes(60);

    public static readonly TimeSpan Audit = TimeSpan.FromMinutes(20);

    /// <summary>From the return of what was killed or stopped until the client works again.</summary>
    public static readonly TimeSpan Back = TimeSpan.FromMinutes(2);

    /// <summary>Differences told of one comparison.</summary>
    public const int DifferencesShown = 5;
}
