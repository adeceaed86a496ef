using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Volumes;

namespace Myrmex.Management;

/// <param name="Bricks">"HOST:/PATH" each.</param>
/// <param name="ReplicaCount">0 leaves it.</param>
internal sealed record AddBrickRequest(IReadOnlyList<string> Bricks, int ReplicaCount, bool Force);

/// <summary>Adds bricks to a volume. Throws <see cref="CommandException"/>.</summary>
internal interface IAddBrickCommand
{
    Task<Volume> AddBrickAsync(VolumeTarget target, AddBrickRequest request, CancellationToken cancellation);
}
