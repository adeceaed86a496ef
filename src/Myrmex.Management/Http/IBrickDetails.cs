using System.Threading;
using System.Threading.Tasks;

namespace Myrmex.Management.Http;

/// <summary>Knows the file systems of bricks on other nodes.</summary>
internal interface IBrickDetails
{
    /// <summary>The same report with the details that it lacks, as far as their nodes answer.</summary>
    Task<VolumeStatusMessage> FillAsync(VolumeStatusMessage status, CancellationToken cancellation);
}
