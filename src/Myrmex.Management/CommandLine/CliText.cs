using System;
using System.Collections.Generic;
using System.Globalization;
using System.Text;
using Myrmex.Management.Cluster;
using Myrmex.Management.Http;

namespace Myrmex.Management.CommandLine;

/// <summary>The text that commands print, in the shapes that scripts for GlusterFS parse.</summary>
internal static class CliText
{
    private const int ProcessColumn = 43;
    private static readonly string Rule = new('-', 78);

    public static string ValueOf(OptionMessage option) =>
        (option.Value ?? "(null)") + (option.IsDefault ? " (DEFAULT)" : string.Empty);

    public static string Info(VolumeMessage volume)
    {
        var text = new StringBuilder(" \n");
        text.Append("Volume Name: ").Append(volume.Name).Append('\n')
            .Append("Type: ").Append(volume.Type).Append('\n')
            .Append("Volume ID: ").Append(volume.Id).Append('\n')
            .Append("Status: ").Append(volume.Status).Append('\n')
            .Append("Snapshot Count: 0\n")
            .Append("Number of Bricks: ").Append(volume.BrickCountText).Append('\n')
            .Append("Transport-type: tcp\n")
            .Append("Bricks:\n");
        for (var i = 0; i < volume.Bricks.Count; i++)
        {
            var brick = volume.Bricks[i];
            text.Append("Brick").Append(i + 1).Append(": ").Append(brick.Host).Append(':').Append(brick.Path)
                .Append(brick.IsArbiter ? " (arbiter)\n" : "\n");
        }

        text.Append("Options Reconfigured:\n");
        foreach (var option in volume.Options)
        {
            text.Append(option.Key).Append(": ").Append(option.Value).Append('\n');
        }

        return text.ToString();
    }

    /// <summary>What a proxy is called beside bricks; GlusterFS does not show its own.</summary>
    public const string ProxyName = "Gfproxy Daemon";

    /// <summary>The proxies of all volumes, a line each.</summary>
    public static string Proxies(IReadOnlyList<ProxyStatusMessage> proxies)
    {
        var text = new StringBuilder()
            .Append("Proxy                                       TCP Port  RDMA Port  Online  Pid\n")
            .Append(Rule).Append('\n');
        foreach (var proxy in proxies)
        {
            AppendProcess(text, $"{proxy.Volume} on {proxy.Host}", proxy.Online, proxy.Port, proxy.Pid);
            if (proxy.Draining)
            {
                text.Append("    ").Append(DrainText(proxy)).Append('\n');
            }
        }

        return text.ToString();
    }

    /// <summary>How far a proxy is that drains.</summary>
    public static string DrainText(ProxyStatusMessage proxy) => proxy.LeavingClients is { } leaving
        ? string.Create(
            CultureInfo.InvariantCulture,
            $"draining: {leaving} clients still leave, {proxy.StayingClients} of GlusterFS stay and are served")
        : "draining: its clients are not known";

    public static string Status(VolumeStatusMessage volume, StatusParts parts)
    {
        var text = new StringBuilder();
        if ((parts & StatusParts.Bricks) != 0)
        {
            AppendBricks(text, volume);
        }

        if ((parts & StatusParts.Tasks) != 0)
        {
            AppendTasks(text, volume);
        }

        return text.ToString();
    }

    private static void AppendBricks(StringBuilder text, VolumeStatusMessage volume)
    {
        text.Append("Status of volume: ").Append(volume.Name).Append('\n')
            .Append("Gluster process                             TCP Port  RDMA Port  Online  Pid\n")
            .Append(Rule).Append('\n');
        foreach (var brick in volume.Bricks)
        {
            AppendProcess(text, $"Brick {brick.Host}:{brick.Path}", brick.Online, brick.Port, brick.Pid);
        }

        foreach (var proxy in volume.Proxies)
        {
            AppendProcess(text, $"{ProxyName} on {proxy.Host}", proxy.Online, proxy.Port, proxy.Pid);
        }

        text.Append(" \n");
    }

    private static void AppendTasks(StringBuilder text, VolumeStatusMessage volume)
    {
        text.Append("Task Status of Volume ").Append(volume.Name).Append('\n').Append(Rule).Append('\n');
        foreach (var task in volume.Tasks)
        {
            Line(text, "Task", TaskKind(task.Kind));
            text.Append("ID                   : ").Append(task.Id).Append('\n');
            Line(text, "Status", TaskState(task));
            text.Append(" \n");
        }

        if (volume.Tasks.Count == 0)
        {
            text.Append("There are no active volume tasks\n").Append(" \n");
        }
    }

    /// <summary>GlusterFS' name of a kind of task.</summary>
    public static string TaskKind(string kind) => kind is "rebalance" or "fix-layout" ? "Rebalance" : kind;

    /// <summary>GlusterFS' word for the state of a task.</summary>
    public static string TaskState(TaskMessage task)
    {
        var state = task.State switch
        {
            "waiting" => "not started",
            "running" => "in progress",
            "done" => "completed",
            _ => task.State,
        };
        return task.Kind == "fix-layout" && state != "not started" ? $"fix-layout {state}" : state;
    }

    public static string Tasks(IReadOnlyList<TaskMessage> tasks)
    {
        var text = new StringBuilder("ID                                   Kind         Volume           State\n");
        foreach (var task in tasks)
        {
            text.Append(task.Id.PadRight(36)).Append(' ').Append(task.Kind.PadRight(12)).Append(' ')
                .Append((task.Volume ?? "-").PadRight(16)).Append(' ').Append(task.State);
            foreach (var (name, value) in task.Progress)
            {
                text.Append(CultureInfo.InvariantCulture, $" {name}={value}");
            }

            text.Append(task.Error is null ? "\n" : $" ({task.Error})\n");
        }

        return text.ToString();
    }

    /// <summary>One event on one line; time is UTC.</summary>
    public static string Event(ClusterEvent told)
    {
        var text = new StringBuilder();
        text.Append(told.Seq.ToString(CultureInfo.InvariantCulture)).Append(' ')
            .Append(DateTimeOffset.FromUnixTimeMilliseconds(told.UnixMs)
                .ToString("yyyy-MM-dd HH:mm:ss.fff", CultureInfo.InvariantCulture))
            .Append(' ').Append(told.Type);
        text.Append(told.Volume is null ? string.Empty : $" volume={told.Volume}");
        text.Append(told.Node is null ? string.Empty : $" node={told.Node}");
        foreach (var (key, value) in told.Data)
        {
            text.Append(' ').Append(key).Append('=').Append(value);
        }

        return text.Append('\n').ToString();
    }

    public static string Peers(IReadOnlyList<PeerMessage> others)
    {
        var text = new StringBuilder($"Number of Peers: {others.Count}\n");
        foreach (var peer in others)
        {
            text.Append($"\nHostname: {peer.HostName}\nUuid: {peer.Id}\n")
                .Append($"State: Peer in Cluster ({(peer.Connected ? "Connected" : "Disconnected")})\n");
            if (peer.OtherNames.Count > 0)
            {
                text.Append("Other names:\n");
                foreach (var name in peer.OtherNames)
                {
                    text.Append(name).Append('\n');
                }
            }
        }

        return text.ToString();
    }

    public static string StatusDetail(VolumeStatusMessage volume)
    {
        var text = new StringBuilder();
        text.Append("Status of volume: ").Append(volume.Name).Append('\n');
        foreach (var brick in volume.Bricks)
        {
            text.Append(Rule).Append('\n');
            Line(text, "Brick", $"Brick {brick.Host}:{brick.Path}");
            Line(text, "TCP Port", brick.Online ? Number(brick.Port) : "N/A");
            Line(text, "RDMA Port", brick.Online ? "0" : "N/A");
            Line(text, "Online", brick.Online ? "Y" : "N");
            Line(text, "Pid", brick.Online ? Number(brick.Pid) : "N/A");
            if (brick.Detail is { } detail)
            {
                Line(text, "File System", detail.FileSystem);
                Line(text, "Device", detail.Device);
                Line(text, "Mount Options", detail.MountOptions);
                Line(text, "Inode Size", "N/A");
                Line(text, "Disk Space Free", Size(detail.FreeBytes));
                Line(text, "Total Disk Space", Size(detail.TotalBytes));
                Line(text, "Inode Count", Number(detail.Inodes));
                Line(text, "Free Inodes", Number(detail.FreeInodes));
            }
        }

        return text.Append(" \n").ToString();
    }

    public static string Options(IReadOnlyList<OptionMessage> options)
    {
        var text = new StringBuilder();
        Row(text, "Option", "Value");
        Row(text, "------", "-----");
        foreach (var option in options)
        {
            Row(text, option.Key, ValueOf(option));
        }

        return text.ToString();

        static void Row(StringBuilder text, string key, string value) =>
            text.Append(key.PadRight(40)).Append(' ').Append(value.PadRight(39)).Append('\n');
    }

    public static string OptionHelp(IReadOnlyList<OptionHelpMessage> options)
    {
        var text = new StringBuilder();
        foreach (var option in options)
        {
            text.Append("Option: ").Append(option.Key).Append('\n')
                .Append("Default Value: ").Append(option.Default ?? "(null)").Append('\n')
                .Append("Description: ").Append(option.Help).Append("\n\n");
        }

        return text.ToString();
    }

    public static string Pool(IReadOnlyList<PeerMessage> peers)
    {
        var text = new StringBuilder("UUID\t\t\t\t\tHostname \tState\n");
        foreach (var peer in peers)
        {
            var host = peer.IsLocal ? "localhost" : peer.HostName;
            text.Append(peer.Id).Append('\t').Append(host.PadRight(9)).Append('\t')
                .Append(peer.Connected ? "Connected " : "Disconnected ").Append('\n');
        }

        return text.ToString();
    }

    /// <summary>With one digit after the point, in the largest unit that leaves at least 1.</summary>
    public static string Size(ulong bytes)
    {
        string[] units = ["Bytes", "KB", "MB", "GB", "TB", "PB"];
        var unit = 0;
        double value = bytes;
        while (value >= 1024 && unit < units.Length - 1)
        {
            value /= 1024;
            unit++;
        }

        return value.ToString("F1", CultureInfo.InvariantCulture) + units[unit];
    }

    private static void AppendProcess(StringBuilder text, string name, bool online, int port, int pid)
    {
        for (; name.Length > ProcessColumn; name = name[ProcessColumn..])
        {
            text.Append(name.AsSpan(0, ProcessColumn)).Append('\n');
        }

        text.Append(name.PadRight(ProcessColumn)).Append(' ')
            .Append((online ? Number(port) : "N/A").PadRight(9)).Append(' ')
            .Append((online ? "0" : "N/A").PadRight(10)).Append(' ')
            .Append((online ? "Y" : "N").PadRight(7)).Append(' ')
            .Append((online ? Number(pid) : "N/A").PadRight(5)).Append('\n');
    }

    private static void Line(StringBuilder text, string label, string value) =>
        text.Append(label.PadRight(20)).Append(" : ").Append(value.PadRight(20)).Append('\n');

    private static string Number(IFormattable number) => number.ToString(null, CultureInfo.InvariantCulture);
}
