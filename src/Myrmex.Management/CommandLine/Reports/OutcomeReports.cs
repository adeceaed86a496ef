using Myrmex.Management.BrickAdmin;

namespace Myrmex.Management.CommandLine.Reports;

/// <summary>What statedump and clear-locks say. Source: GlusterFS 10.3.</summary>
internal static class OutcomeReports
{
    public const string StateDumpText = "volume statedump: success\n";

    public static string StateDumpXml() =>
        CliXml.Success().Outcome("volStatedump", "Volume statedump successful").ToString();

    /// <summary>Text for --xml too: GlusterFS has no XML of it.</summary>
    /// <param name="text">What <see cref="VolumeAdmin.ClearLocksAsync"/> answered.</param>
    public static string ClearedLocks(string text) => $"Volume clear-locks successful\n{text}\n";

    /// <summary>For standard error; the exit code is 1.</summary>
    public static string ClearLocksFailed(string reason) =>
        $"Volume clear-locks unsuccessful\nclear-locks getxattr command failed. Reason: {reason}\n";
}
