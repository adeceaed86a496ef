using System.Threading;
using System.Threading.Tasks;
using Myrmex.Management.NodeApi;
using Myrmex.Volumes;

namespace Myrmex.Management.BrickAdmin;

/// <summary>Asks the brick process of another node, through that node's daemon.</summary>
internal sealed class RemoteBrickAdmin(NodeClient client, NodeId node) : IBrickAdmin
{
    /// <summary>Where the daemons of other nodes ask.</summary>
    public const string Route = "/v1/node/bricks";

    /// <summary>Milliseconds: what the other daemon gives its brick process, and a little for the way.</summary>
    private const long TimeoutMs = BrickAdminProgram.AnswerMs + 10_000;

    public async Task<BrickAnswer> AskAsync(BrickRequest request, CancellationToken cancellation)
    {
        try
        {
            var answer = await client.PostAsync(
                node, Route, request, BrickAdminJson.Default.BrickRequest, BrickAdminJson.Default.BrickAnswer,
                cancellation, TimeoutMs);
            return answer.Problem is { } problem ? throw new BrickAdminException(problem) : answer;
        }
        catch (NodeUnreachableException e)
        {
            throw new BrickAdminException(e.Message, unreachable: true);
        }
        catch (CommandException e)
        {
            throw new BrickAdminException(e.Message);
        }
    }
}
