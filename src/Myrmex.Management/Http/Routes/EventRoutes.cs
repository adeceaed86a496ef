using System.Globalization;
using System.Text.Json;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.AspNetCore.Http;
using Myrmex.Management.Cluster;

namespace Myrmex.Management.Http;

/// <summary>What has happened: as a list, and as a stream of server-sent events.</summary>
internal sealed class EventRoutes(RestServices services) : RestRoutes
{
    private IEventLog Log => RestServices.Need(services.Events, "keeping of events");

    public override void Map(RouteMap map)
    {
        map.Get(
            "/v1/events", "What has happened since a number.", EventMessageJson.Default.EventListMessage, List)
            .Number("after", "Number of the last event known; 0 or nothing for all that are kept.")
            .Number("max", $"Most events to tell, 1 to {Limits.EventsReadMax}.");
        map.Get(
            "/v1/events/stream",
            "What happens, as it happens. Last-Event-ID, or after, is the number of the last event known; "
            + "without one the stream begins with what happens next.",
            "text/event-stream", StreamAsync)
            .Number("after", "As Last-Event-ID.");
    }

    private EventListMessage List(RestRequest request)
    {
        var after = request.Number("after") ?? 0;
        var max = request.Number("max") ?? Limits.EventsReadMax;
        if (max is < 1 or > Limits.EventsReadMax)
        {
            throw new CommandException(CommandFailure.Invalid, $"max is not 1 to {Limits.EventsReadMax}");
        }

        var events = Log.Read(after, (int)max);
        return new EventListMessage(events, events.Count > 0 ? events[^1].Seq : after);
    }

    private async Task StreamAsync(RestRequest request)
    {
        var log = Log;
        var after = LastKnown(request) ?? log.Last;
        var response = request.Context.Response;
        response.ContentType = "text/event-stream";
        response.Headers.CacheControl = "no-store";
        await response.WriteAsync("retry: 2000\n\n", request.Aborted);
        await response.Body.FlushAsync(request.Aborted);
        while (true)
        {
            var more = log.WaitAsync(after, request.Aborted);
            while (!await IsSoonAsync(more, request.Aborted))
            {
                await response.WriteAsync(": still here\n\n", request.Aborted); // Shows both sides a dead link.
                await response.Body.FlushAsync(request.Aborted);
            }

            foreach (var told in log.Read(after, Limits.EventsReadMax))
            {
                await response.WriteAsync(Render(told), request.Aborted);
                after = told.Seq;
            }

            await response.Body.FlushAsync(request.Aborted);
        }
    }

    /// <summary>One event of the stream. Source: HTML Standard, server-sent events.</summary>
    internal static string Render(ClusterEvent told)
    {
        var json = JsonSerializer.Serialize(told, EventMessageJson.Default.ClusterEvent); // One line.
        return string.Create(CultureInfo.InvariantCulture, $"id: {told.Seq}\nevent: {told.Type}\ndata: {json}\n\n");
    }

    private static long? LastKnown(RestRequest request)
    {
        var header = request.Context.Request.Headers["Last-Event-ID"];
        if (header.Count == 0)
        {
            return request.Number("after");
        }

        return long.TryParse(header.ToString(), NumberStyles.None, CultureInfo.InvariantCulture, out var last)
            ? last : throw new CommandException(CommandFailure.Invalid, "Last-Event-ID is not a number");
    }

    /// <summary>False when it takes longer than a stream may be silent.</summary>
    private async Task<bool> IsSoonAsync(Task more, CancellationToken cancellation)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var pause = Pauses.WaitAsync(services.Scheduler, Limits.EventSilenceMs, over.Token);
        var first = await Task.WhenAny(more, pause);
        await over.CancelAsync();
        await first;
        return more.IsCompleted;
    }
}
