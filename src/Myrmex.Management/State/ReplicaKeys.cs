using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using Myrmex.Coordination;
using Myrmex.Replication.Engine;
using Myrmex.Volumes;

namespace Myrmex.Management.State;

/// <summary>
/// The keys of replica sets below <see cref="Volume.StorePrefix"/> that management writes: the first ones, which are
/// the members' own from then on, and the members that are wanted, which the member that leads makes the real ones.
/// </summary>
internal static class ReplicaKeys
{
    /// <summary>Most keys that a new replica set has.</summary>
    public const int KeysPerSetMax = 2;

    /// <summary>
    /// What writes the keys of the sets from place <paramref name="first"/> on; nothing without journals.
    /// </summary>
    public static IReadOnlyList<Operation> Creation(Volume volume, int first)
    {
        var operations = new List<Operation>();
        for (var place = first; place < volume.ReplicaSets.Count; place++)
        {
            var prefix = volume.StorePrefixOf(volume.ReplicaSets[place]);
            var configuration = ConfigurationOf(volume, place);
            operations.Add(Operation.PutValue(prefix + StoreState.ConfigurationKey, configuration.Encode()));
            if (configuration.Mode == ReplicaMode.InSync)
            {
                operations.Add(Operation.PutValue(
                    prefix + StoreState.InSyncKey, StoreState.EncodeSet(configuration.Set)));
            }
        }

        return operations;
    }

    /// <summary>What tells the set at a place which members it should have: those of the volume.</summary>
    public static Operation Wanted(Volume volume, int place) => Operation.PutValue(
        volume.StorePrefixOf(volume.ReplicaSets[place]) + StoreState.WantedKey,
        ConfigurationOf(volume, place).Encode());

    /// <summary>What tells the set at a place who should lead; who should in any case needs no key.</summary>
    public static Operation Preferred(Volume volume, int place, Brick brick)
    {
        var key = volume.StorePrefixOf(volume.ReplicaSets[place]) + StoreState.PreferredKey;
        return brick.Index == volume.PreferredLeaderAt(place).Index
            ? Operation.DeleteKey(key)
            : Operation.PutValue(key, StoreState.EncodeMember(new MemberId((byte)(brick.Member ?? 0))));
    }

    /// <summary>What takes all these wishes back.</summary>
    public static IReadOnlyList<Operation> NoPreferences(Volume volume) =>
        [
            .. volume.ReplicaSets.Select(
                s => Operation.DeleteKey(volume.StorePrefixOf(s) + StoreState.PreferredKey)),
        ];

    /// <summary>
    /// What tells all sets of a volume how a changed setting wants them; nothing when it makes no difference to them.
    /// </summary>
    public static IReadOnlyList<Operation> Settings(Volume before, Volume after) =>
        !after.HasJournals || VolumeOptions.AcknowledgesMemory(before) == VolumeOptions.AcknowledgesMemory(after) ? []
            : [.. Enumerable.Range(0, after.ReplicaSets.Count).Select(place => Wanted(after, place))];

    /// <summary>
    /// Whether the set has the members that the volume says, but for the one brick; one that is changing has not.
    /// </summary>
    /// <param name="configuration">What the set has.</param>
    /// <param name="except">A brick of the set that does not count.</param>
    public static bool Agree(ReplicaConfiguration configuration, Volume volume, int place, Brick except)
    {
        var others = volume.MembersAt(place).Where(b => b.Index != except.Index).ToList();
        var gone = configuration.Members.Where(m => !others.Exists(b => Is(m, b))).ToList();
        return configuration.Pending is null && configuration.Members.Count == volume.ReplicaCount && gone.Count == 1;
    }

    private static bool Is(ReplicaMember member, Brick brick) =>
        member.Id.Value == brick.Member && member.Incarnation == brick.Incarnation;

    /// <summary>What deletes all keys of all replica sets of a volume; nothing without journals.</summary>
    public static IReadOnlyList<Operation> Deletion(Volume volume) =>
        volume.HasJournals ? [new Operation.Delete(KeyRange.Prefix(volume.StorePrefix))] : [];

    /// <summary>
    /// Of three and more members a majority decides. Of two there is no majority that can do without one of them: each
    /// change is on both as long as they are in step, and who is left alone goes on after the store says so.
    /// </summary>
    public static ReplicaConfiguration ConfigurationOf(Volume volume, int place)
    {
        ReplicaMember[] members =
        [
            .. volume.MembersAt(place).Select(b => new ReplicaMember(
                new MemberId((byte)(b.Member ?? 0)), b.Incarnation, AddressOf(b))
            {
                IsWitness = volume.IsArbiter(b),
            }),
        ];
        var allowsMemory = VolumeOptions.AcknowledgesMemory(volume);
        var majority = ReplicaConfiguration.Majority(members) with { AllowsMemory = allowsMemory };
        return members.Length > ReplicaSet.CopiesMin ? majority : new ReplicaConfiguration
        {
            Epoch = majority.Epoch,
            Mode = ReplicaMode.InSync,
            Members = members,
            InSyncMin = 1,
            AllowsMemory = allowsMemory,
        };
    }

    /// <summary>For people who read the store: members find each other by their volume files.</summary>
    private static string AddressOf(Brick brick) =>
        string.Create(CultureInfo.InvariantCulture, $"{brick.Node}/{brick.Index}");
}
