using System.Threading;
using System.Threading.Tasks;
using Myrmex.Management.BrickAdmin;

namespace Myrmex.Management.Http;

/// <summary>What the daemons of other nodes ask about the bricks of this one.</summary>
/// <param name="dumpDirectory">Where state dumps of this node's bricks go, whatever the request says.</param>
internal sealed class NodeBrickRoutes(IBrickAdmin local, IVolumeCommands volumes, string dumpDirectory) : RestRoutes
{
    public override void Map(RouteMap map)
    {
        map.Change(
            "POST", RemoteBrickAdmin.Route, "Puts a question to the brick process of this node.",
            BrickAdminJson.Default.BrickRequest, BrickAdminJson.Default.BrickAnswer,
            (_, request) => AskAsync(request));
        map.Get(
            BrickDetails.Route, "What runs of a started volume; details are of the bricks of this node.",
            VolumeMessageJson.Default.VolumeStatusMessage,
            r => VolumeRoutes.ToMessage(volumes.Status(r.Path("name"), detail: true)));
    }

    private async Task<BrickAnswer> AskAsync(BrickRequest request)
    {
        if (request.StateDump is { } dump)
        {
            request = request with { StateDump = dump with { Directory = dumpDirectory } };
        }

        try
        {
            return await local.AskAsync(request, CancellationToken.None);
        }
        catch (BrickAdminException e)
        {
            return new BrickAnswer { Problem = e.Message };
        }
    }
}
