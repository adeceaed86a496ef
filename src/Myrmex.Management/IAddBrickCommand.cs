using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Volumes;

namespace Myrmex.Management;

/// <param name="Bricks">"HOST:/PATH" each.</param>
/// <param name="ReplicaCount">0 leaves it.</param>
internal sealed record AddBrickRequest(IReadOnlyList<string> Bricks, int ReplicaCount, bool Force)
{
    /// <summary>Arbiters of a set; null leaves it.</summary>
    public int? ArbiterCount { get; init; }

    /// <summary>With the arbiter in the number of copies, as the volume has it.</summary>
    public AddBrickRequest For(Volume volume) =>
        volume.ArbiterCount > 0 && ArbiterCount == volume.ArbiterCount
            && ReplicaCount == volume.ReplicaCount - volume.ArbiterCount
            ? this with { ReplicaCount = volume.ReplicaCount } : this;
}

/// <summary>Adds bricks to a volume. Throws <see cref="CommandException"/>.</summary>
internal interface IAddBrickCommand
{
    Task<Volume> AddBrickAsync(VolumeTarget target, AddBrickRequest request, CancellationToken cancellation);
}
