using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Text;
using Myrmex.Base;
using Myrmex.Graph;
using Myrmex.Management.Metrics;
using Myrmex.Protocol;
using Myrmex.Runtime;
using Myrmex.Runtime.Linux;

namespace Myrmex.Host;

/// <summary>
/// A state dump of one brick: memory, calls, the graph, clients with their files, active inodes, in sections named as
/// GlusterFS names them.
/// </summary>
internal sealed class BrickStateDump(BrickView brick, ExportTable exports, IClock clock, IReadOnlyList<string> sections)
{
    private const int FdsMax = 65536;

    /// <summary>
    /// Writes the dump to a file that only its owner can read and answers its path: BRICK-PATH-DASHED.PID.dump.SECONDS.
    /// Throws IOException or UnauthorizedAccessException when it cannot.
    /// </summary>
    public string Write(string directory)
    {
        Directory.CreateDirectory(
            directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        var text = Text();
        var name = brick.Name.Trim('/').Replace('/', '-');
        var seconds = clock.WallNs / 1_000_000_000;
        for (var attempt = 0; ; attempt++)
        {
            var tail = attempt == 0 ? string.Empty : $"-{attempt}";
            var path = Path.Combine(directory, $"{name}.{Environment.ProcessId}.dump.{seconds}{tail}");
            try
            {
                WriteNew(path, text);
                return path;
            }
            catch (IOException) when (attempt < 100 && File.Exists(path))
            {
                // Another one of this second.
            }
        }
    }

    private static void WriteNew(string path, string text)
    {
        using var file = new StreamWriter(path, new FileStreamOptions
        {
            Mode = System.IO.FileMode.CreateNew,
            Access = FileAccess.Write,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        });
        file.Write(text);
    }

    public string Text()
    {
        var text = new StringBuilder();
        text.Append("DUMP-START-TIME: ").Append(Now()).Append('\n');
        AddIf(text, "mem", Memory);
        AddIf(text, "callpool", Calls);
        AddIf(text, "priv", () => "\n[active graph - 1]\n" + brick.Graph.Dump());
        AddIf(text, "fd", Fds);
        AddIf(text, "inode", Inodes);
        return text.Append("\nDUMP-END-TIME: ").Append(Now()).Append('\n').ToString();
    }

    private string Now() => DateTime.UnixEpoch.AddTicks(clock.WallNs / 100)
        .ToString("yyyy-MM-dd HH:mm:ss.ffffff", CultureInfo.InvariantCulture) + " +0000";

    private void AddIf(StringBuilder text, string section, Func<string> part)
    {
        if (sections.Count == 0 || sections.Contains("all") || sections.Contains(section))
        {
            text.Append(part());
        }
    }

    private static string Memory()
    {
        var info = Sys.MallocInfo();
        var dump = new StateDump();
        dump.Heading("mallinfo");
        dump.Put("mallinfo_arena", info.Arena);
        dump.Put("mallinfo_ordblks", info.Ordblks);
        dump.Put("mallinfo_smblks", info.Smblks);
        dump.Put("mallinfo_hblks", info.Hblks);
        dump.Put("mallinfo_hblkhd", info.Hblkhd);
        dump.Put("mallinfo_usmblks", info.Usmblks);
        dump.Put("mallinfo_fsmblks", info.Fsmblks);
        dump.Put("mallinfo_uordblks", info.Uordblks);
        dump.Put("mallinfo_fordblks", info.Fordblks);
        dump.Put("mallinfo_keepcost", info.Keepcost);
        dump.Heading("global.runtime - Memory usage");
        dump.Put("resident-bytes", ProcessMetrics.ResidentBytes());
        dump.Put("heap-bytes", GC.GetTotalMemory(forceFullCollection: false));
        dump.Put("heap-committed-bytes", GC.GetGCMemoryInfo().TotalCommittedBytes);
        dump.Put("payload-bytes", PayloadPool.Shared.OutstandingBytes);
        dump.Put("payload-limit-bytes", PayloadPool.Shared.LimitBytes);
        return dump.ToString();
    }

    private string Calls()
    {
        var calls = brick.CallsOf(exports);
        var dump = new StateDump();
        dump.Heading("global.callpool");
        dump.Put("callpool.cnt", calls.Count);
        for (var i = 0; i < calls.Count; i++)
        {
            dump.Heading($"global.callpool.stack.{i + 1}");
            dump.Put("uid", calls[i].Uid);
            dump.Put("gid", calls[i].Gid);
            dump.Put("pid", calls[i].Pid);
            dump.Put("unique", calls[i].Xid);
            dump.Put("op", BrickAnswers.NameOf(calls[i].Fop));
            dump.Put("age-ms", calls[i].AgeNs / 1_000_000);
            dump.Put("client", calls[i].Client);
        }

        return dump.ToString();
    }

    private string Fds()
    {
        var dump = new StateDump();
        var clients = brick.ClientsOf(exports, FdsMax);
        for (var i = 0; i < clients.Count; i++)
        {
            dump.Heading($"conn.{i}");
            dump.Put("client", clients[i].Uid);
            dump.Put("address", clients[i].Address);
            dump.Put("fd-count", clients[i].FdCount);
            foreach (var fd in clients[i].Fds)
            {
                dump.Heading($"conn.{i}.fd.{fd.Number}");
                dump.Put("gfid", fd.Gfid);
                dump.Put("flags", fd.Flags);
                dump.Put("directory", fd.IsDirectory ? 1 : 0);
            }
        }

        return dump.ToString();
    }

    private string Inodes()
    {
        var dump = new StateDump();
        var number = 0;
        foreach (var inode in BrickAnswers.ActiveInodes(brick.ClientsOf(exports, FdsMax)))
        {
            dump.Heading($"conn.0.bound_xl.{brick.Name}.active.{++number}");
            dump.Put("gfid", inode.Gfid);
            dump.Put("fd-count", inode.Refs);
            dump.Put("ia_type", inode.Type);
        }

        return dump.ToString();
    }
}
