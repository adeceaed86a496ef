using System;
using System.Globalization;
using System.Text;

namespace Myrmex.Management.CommandLine.Reports;

/// <summary>What the reports about bricks have in common.</summary>
internal static class ReportText
{
    /// <summary>Between two bricks of volume status.</summary>
    public static readonly string Rule = new('-', 46);

    public static StringBuilder Line(this StringBuilder text, FormattableString line) =>
        text.Append(line.ToString(CultureInfo.InvariantCulture)).Append('\n');

    public static StringBuilder Line(this StringBuilder text, string line) => text.Append(line).Append('\n');

    /// <summary>Nanoseconds since 1970 as GlusterFS writes a time.</summary>
    public static string Time(long wallNs) => DateTime.UnixEpoch.AddTicks(wallNs / 100)
        .ToString("yyyy-MM-dd HH:mm:ss.ffffff", CultureInfo.InvariantCulture) + " +0000";
}
