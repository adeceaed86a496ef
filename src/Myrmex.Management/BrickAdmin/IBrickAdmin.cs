using System.Threading;
using System.Threading.Tasks;

namespace Myrmex.Management.BrickAdmin;

/// <summary>
/// What an administrator asks the brick process of one node. Every call ends within
/// <see cref="BrickAdminProgram.AnswerMs"/> and a little; it throws <see cref="BrickAdminException"/> when the process
/// cannot be reached or refuses.
/// </summary>
public interface IBrickAdmin
{
    /// <summary>Sends any request: what a forwarding node needs. The answer has no problem.</summary>
    Task<BrickAnswer> AskAsync(BrickRequest request, CancellationToken cancellation);
}
