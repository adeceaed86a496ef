using System.Threading;
using System.Threading.Tasks;
using Myrmex.Management.Http;

namespace Myrmex.Management;

/// <summary>Rebalance, as the REST service calls it. All throw <see cref="CommandException"/>.</summary>
internal interface IRebalanceCommands
{
    /// <param name="kind">fix-layout or rebalance.</param>
    Task<RebalanceMessage> StartAsync(string volume, string kind, bool force, CancellationToken cancellation);

    Task<RebalanceMessage> StopAsync(string volume, CancellationToken cancellation);

    Task<RebalanceMessage> StatusAsync(string volume, CancellationToken cancellation);
}
