using System;
using System.Collections.Generic;
using System.Text;
using Myrmex.Base;
using Myrmex.Runtime.Linux;

namespace Myrmex.Storage;

/// <summary>From a gfid to a path in the volume, for people and tools.</summary>
internal sealed partial class BrickStore
{
    /// <summary>A path that starts with a slash, or "&lt;gfid:…&gt;" when none can be found.</summary>
    public string PathOf(in Gfid gfid)
    {
        var parts = new List<string>();
        var at = gfid;
        Span<byte> target = stackalloc byte[PathBuffer.SizeMax];
        for (var depth = 0; !at.IsRoot && depth < DepthMax; depth++)
        {
            var error = ReadDirectoryHandle(at, target, out var parent, out var nameAt, out var length);
            if (error == Errno.Ok)
            {
                parts.Add(Encoding.UTF8.GetString(target[nameAt..length]));
            }
            else if (!TryReadPathXattr(at, out parent, out var name))
            {
                return $"<gfid:{gfid}>";
            }
            else
            {
                parts.Add(name);
            }

            at = parent;
        }

        parts.Reverse();
        return "/" + string.Join('/', parts);
    }

    /// <summary>The first trusted.gfid2path of a non-directory: "PARENT-GFID/NAME".</summary>
    private bool TryReadPathXattr(in Gfid gfid, out Gfid parent, out string name)
    {
        parent = default;
        name = string.Empty;
        var path = new PathBuffer(stackalloc byte[PathBuffer.SizeMax]);
        path.AppendProc(HandlesFd);
        path.AppendHandle(gfid);
        var names = new byte[16 << 10];
        var length = Sys.ListXattr(path.Path, names);
        var rest = length < 0 ? default : names.AsSpan(0, length);
        while (!rest.IsEmpty)
        {
            var end = rest.IndexOf((byte)0);
            if (rest[..end].StartsWith("trusted.gfid2path."u8))
            {
                var value = new byte[PathBuffer.SizeMax];
                var size = Sys.GetXattr(path.Path, rest[..(end + 1)], value);
                if (size > 37 && Gfid.TryParse(value.AsSpan(0, 36), out parent))
                {
                    name = Encoding.UTF8.GetString(value.AsSpan(37, size - 37));
                    return true;
                }
            }

            rest = rest[(end + 1)..];
        }

        return false;
    }
}
