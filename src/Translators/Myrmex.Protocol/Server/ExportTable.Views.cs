using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;

namespace Myrmex.Protocol;

/// <summary>What administrators see of clients and calls.</summary>
public sealed partial class ExportTable
{
    /// <summary>The clients of an export, with the first <paramref name="fdsMax"/> open files of each.</summary>
    public IReadOnlyList<ClientView> ClientsOf(string export, int fdsMax) =>
        [.. Connections(a => a.Export.Name == export).Select(c => ViewOf(c, fdsMax))
            .OrderBy(c => c.Uid, StringComparer.Ordinal)];

    /// <summary>Calls of an export that have not been answered, oldest first.</summary>
    public IReadOnlyList<CallView> CallsOf(string export) =>
        [.. RequestBook.All().Select(r => r.View(export)).OfType<CallView>().OrderByDescending(c => c.AgeNs)];

    private static ClientView ViewOf(ServerConnection connection, int fdsMax)
    {
        var attachment = connection.Attachment!; // Only attached ones are asked.
        var values = attachment.Request.Values;
        _ = int.TryParse(
            values.GetValueOrDefault("opversion"), NumberStyles.None, CultureInfo.InvariantCulture, out var opVersion);
        return new ClientView(
            attachment.Identity.Address, attachment.Identity.Uid, attachment.Identity.User,
            values.GetValueOrDefault("process-name", string.Empty), opVersion, connection.AttachedWallNs,
            connection.Rpc.ReceivedBytes, connection.Rpc.SentBytes, connection.Fds.Count, connection.Fds.List(fdsMax))
        {
            FollowsDrain = connection.FollowsDrain,
            IsInUse = connection.IsInUse,
        };
    }
}
