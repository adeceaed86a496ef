using System.Threading.Tasks;
using Microsoft.AspNetCore.Http;

namespace Myrmex.Management.Http;

/// <summary>Volume files, as nodes of the pool get them.</summary>
internal sealed class VolfileRoutes(RestServices services) : RestRoutes
{
    public override void Map(RouteMap map) => map.Get(
        "/v1/volfiles/{key}", "The volume file for a key; it holds the volume's password.", "text/plain", WriteAsync)
        .Flag("own", "For a client of ours, which other clients cannot read where there are journals.");

    private async Task WriteAsync(RestRequest request)
    {
        var text = RestServices.Need(services.Volfile, "serving volume files")(
            request.Path("key"), request.Flag("own"))
            ?? throw new CommandException(CommandFailure.NotFound, $"there is no volume file {request.Path("key")}");
        request.Context.Response.ContentType = "text/plain; charset=utf-8";
        await request.Context.Response.WriteAsync(text);
    }
}
