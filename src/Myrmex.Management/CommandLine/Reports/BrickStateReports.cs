using System.Collections.Generic;
using System.Text;
using Myrmex.Management.BrickAdmin;

namespace Myrmex.Management.CommandLine.Reports;

/// <summary>
/// volume status mem, inode, fd and callpool. Source: GlusterFS 10.3, text and XML; its XML shows only the first
/// brick, ours
/// all.
/// </summary>
internal static class BrickStateReports
{
    public static string MemoryText(VolumeReport<BrickMemory> report)
    {
        var text = new StringBuilder();
        text.Line($"Memory status for volume : {report.Volume}").Line(ReportText.Rule);
        foreach (var brick in report.Bricks)
        {
            text.Line($"Brick : {brick.Place.Name}");
            if (brick.Value is { } memory)
            {
                text.Line("Mallinfo").Line("--------");
                foreach (var (name, value) in Mallinfo(memory))
                {
                    text.Line($"{name,-8} : {value}");
                }

                text.Line(" ").Line("Runtime").Line("-------");
                foreach (var (name, value) in Runtime(memory))
                {
                    text.Line($"{name,-13} : {value}");
                }
            }
            else
            {
                text.Line(brick.Problem ?? string.Empty);
            }

            text.Line(" ").Line(ReportText.Rule);
        }

        return text.Line(string.Empty).ToString();
    }

    public static string MemoryXml(VolumeReport<BrickMemory> report) => ReportXml.Status(report, (xml, memory) =>
    {
        xml.Open("memStatus");
        xml.Open("mallinfo");
        foreach (var (name, value) in Mallinfo(memory))
        {
            xml.Element(name.ToLowerInvariant(), value);
        }

        xml.Close();
        xml.Element("mempool", string.Empty);
        xml.Close();
    });

    public static string InodesText(VolumeReport<BrickInodes> report)
    {
        var text = new StringBuilder();
        text.Line($"Inode tables for volume {report.Volume}").Line(ReportText.Rule);
        foreach (var brick in report.Bricks)
        {
            text.Line($"Brick : {brick.Place.Name}");
            if (brick.Value is { } value)
            {
                text.Line("Connection 1:").Line("LRU limit     : 0").Line($"Active Inodes : {value.ActiveCount}")
                    .Line("LRU Inodes    : 0").Line("Purge Inodes  : 0");
                Inodes(text, value.Active);
                text.Line(" ");
            }
            else
            {
                text.Line(brick.Problem ?? string.Empty);
            }

            text.Line(ReportText.Rule);
        }

        return text.ToString();
    }

    public static string InodesXml(VolumeReport<BrickInodes> report) => ReportXml.Status(report, (xml, value) =>
    {
        xml.Open("inodeStatus");
        xml.Element("connections", 1);
        xml.Open("connection");
        xml.Element("activeSize", value.ActiveCount);
        xml.Open("active");
        foreach (var inode in value.Active)
        {
            xml.Open("inode");
            xml.Element("gfid", inode.Gfid);
            xml.Element("nLookup", 0);
            xml.Element("ref", inode.Refs);
            xml.Element("iaType", inode.Type == 2 ? "D" : "R");
            xml.Close();
        }

        xml.CloseEmptied();
        xml.Element("lruSize", 0);
        xml.Element("lru", string.Empty);
        xml.Element("purgeSize", 0);
        xml.Element("purge", string.Empty);
        xml.Close();
        xml.Close();
    });

    public static string FdsText(VolumeReport<BrickFds> report)
    {
        var text = new StringBuilder();
        text.Line($"FD tables for volume {report.Volume}").Line(ReportText.Rule);
        foreach (var brick in report.Bricks)
        {
            text.Line($"Brick : {brick.Place.Name}");
            for (var i = 0; i < (brick.Value?.Tables.Count ?? 0); i++)
            {
                Fds(text, i + 1, brick.Value!.Tables[i]); // It has tables, so it is there.
            }

            if (brick.Value is null)
            {
                text.Line(brick.Problem ?? string.Empty);
            }

            text.Line(ReportText.Rule);
        }

        return text.ToString();
    }

    public static string FdsXml(VolumeReport<BrickFds> report) => ReportXml.Status(report, (xml, value) =>
    {
        xml.Open("fdStatus");
        xml.Element("connections", value.Tables.Count);
        foreach (var table in value.Tables)
        {
            xml.Open("connection");
            xml.Element("refCount", 1);
            xml.Element("maxFds", table.Count);
            xml.Element("firstFree", FirstFree(table));
            foreach (var fd in table.Fds)
            {
                xml.Open("fd");
                xml.Element("entry", fd.Number);
                xml.Element("pid", 0);
                xml.Element("refCount", 1);
                xml.Element("flags", fd.Flags);
                xml.Close();
            }

            xml.Close();
        }

        xml.Close();
    });

    public static string CallsText(VolumeReport<BrickCalls> report)
    {
        var text = new StringBuilder();
        text.Line($"Pending calls for volume {report.Volume}").Line(ReportText.Rule);
        foreach (var brick in report.Bricks)
        {
            text.Line($"Brick : {brick.Place.Name}");
            if (brick.Value is { } value)
            {
                Calls(text, value);
            }
            else
            {
                text.Line(brick.Problem ?? string.Empty);
            }

            text.Line(ReportText.Rule);
        }

        return text.ToString();
    }

    public static string CallsXml(VolumeReport<BrickCalls> report) => ReportXml.Status(report, (xml, value) =>
    {
        xml.Open("callpoolStatus");
        xml.Element("count", value.Count);
        foreach (var call in value.Calls)
        {
            xml.Open("callStack");
            xml.Element("uid", call.Uid);
            xml.Element("gid", call.Gid);
            xml.Element("pid", call.Pid);
            xml.Element("unique", call.Unique);
            xml.Element("op", call.Fop);
            xml.Element("frameCount", 0);
            xml.Close();
        }

        xml.Close();
    });

    private static (string Name, long Value)[] Mallinfo(BrickMemory memory) =>
    [
        ("Arena", memory.Arena), ("Ordblks", memory.Ordblks), ("Smblks", memory.Smblks), ("Hblks", memory.Hblks),
        ("Hblkhd", memory.Hblkhd), ("Usmblks", memory.Usmblks), ("Fsmblks", memory.Fsmblks),
        ("Uordblks", memory.Uordblks), ("Fordblks", memory.Fordblks), ("Keepcost", memory.Keepcost),
    ];

    private static (string Name, long Value)[] Runtime(BrickMemory memory) =>
    [
        ("Resident", memory.ResidentBytes), ("Heap", memory.HeapBytes), ("HeapCommitted", memory.HeapCommittedBytes),
        ("Payload", memory.PayloadBytes), ("PayloadLimit", memory.PayloadLimitBytes),
    ];

    private static void Inodes(StringBuilder text, IReadOnlyList<BrickInode> inodes)
    {
        if (inodes.Count == 0)
        {
            return;
        }

        text.Line(" ").Line("Active inodes:").Line($"{"GFID",-40} {"Lookups",14} {"Ref",14} {"IA type",9}")
            .Line($"{"----",-40} {"-------",14} {"---",14} {"-------",9}");
        foreach (var inode in inodes)
        {
            text.Line($"{inode.Gfid,-40} {0,14} {inode.Refs,14} {(inode.Type == 2 ? "D" : "R"),9}");
        }
    }

    private static void Fds(StringBuilder text, int number, BrickFdTable table)
    {
        text.Line($"Connection {number}:")
            .Line($"RefCount = 1  MaxFDs = {table.Count}  FirstFree = {FirstFree(table)}");
        if (table.Fds.Count > 0)
        {
            text.Line($"{"FD Entry",-19} {"PID",-19} {"RefCount",-19} {"Flags",-19}")
                .Line($"{"--------",-19} {"---",-19} {"--------",-19} {"-----",-19}");
        }

        foreach (var fd in table.Fds)
        {
            text.Line($"{fd.Number,-19} {0,-19} {1,-19} {fd.Flags,-19}");
        }

        text.Line(" ");
    }

    private static void Calls(StringBuilder text, BrickCalls value)
    {
        text.Line($"Pending calls: {value.Count}");
        for (var i = 0; i < value.Calls.Count; i++)
        {
            var call = value.Calls[i];
            text.Line($"Call Stack{i + 1}").Line($" UID    : {call.Uid}").Line($" GID    : {call.Gid}")
                .Line($" PID    : {call.Pid}").Line($" Unique : {call.Unique}").Line($" Op     : {call.Fop}")
                .Line($" Age    : {call.AgeMs} ms").Line($" Frames : 0").Line(" ");
        }
    }

    private static long FirstFree(BrickFdTable table)
    {
        var free = 0L;
        foreach (var fd in table.Fds)
        {
            if (fd.Number == free)
            {
                free++;
            }
        }

        return free;
    }
}
