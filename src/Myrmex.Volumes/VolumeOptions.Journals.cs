using System.Globalization;

namespace Myrmex.Volumes;

public static partial class VolumeOptions
{
    private const string QuorumType = "cluster.quorum-type";
    private const string QuorumCount = "cluster.quorum-count";
    private const string MaxHardlinks = "storage.max-hardlinks";

    /// <summary>
    /// Null when the volume can have the setting, else why not. Besides what <see cref="Problem(string, string)"/>
    /// says, a volume with journals refuses what it cannot honour.
    /// </summary>
    public static string? Problem(Volume volume, string key, string value) =>
        Problem(key, value) ?? (volume.HasJournals ? JournalProblem(key, value) : null);

    private static string? JournalProblem(string key, string value) => key switch
    {
        // Whoever fixes a number counts on it; whoever says auto or none gets what the journal does in any case.
        QuorumType when value == "fixed" => Unfit(
            key, value, "how many copies a change needs follows from their number; leave the option at auto"),
        QuorumCount => Unfit(
            key, value, "how many copies a change needs follows from their number; leave the option out"),
        MaxHardlinks when !long.TryParse(value, CultureInfo.InvariantCulture, out var names) || names != 0 => Unfit(
            key, value, "a brick would refuse what the others have done; leave the option at 0"),
        _ => null,
    };

    private static string Unfit(string key, string value, string reason) =>
        $"'option {key} {value}' cannot be had on a volume whose copies are kept by a journal: {reason}";
}
