using System;
using System.Collections.Generic;
using Myrmex.Base;
using Myrmex.Rpc;
using Myrmex.Wire;

namespace Myrmex.Protocol;

/// <summary>One open file of a connection: the gfid that it was opened by, and its number at the server.</summary>
internal readonly record struct OpenNumber(Gfid Gfid, long Number);

/// <summary>
/// Releases of many files as the body of one call: u32 count, and for each the gfid and the i64 number that the server
/// has given out. Source: docs/reference/small-files.md.
/// </summary>
internal readonly struct ReleaseManyBody(List<OpenNumber> files) : IRpcBody
{
    /// <summary>Most files of one call.</summary>
    public const int FilesMax = 64;

    private const int FileSize = Gfid.Size + 8;

    public int SizeMax => 4 + (files.Count * FileSize);

    public Payload Payload => default;

    public ReadOnlySpan<Payload> Payloads => default;

    /// <summary>Reads a body; null when it is malformed or beyond the bound.</summary>
    public static List<OpenNumber>? Read(ref XdrReader reader)
    {
        var count = reader.ReadUInt();
        if (reader.Failed || count is 0 or > FilesMax)
        {
            return null;
        }

        var files = new List<OpenNumber>((int)count);
        for (var i = 0; i < count; i++)
        {
            files.Add(new OpenNumber(reader.ReadGfid(), reader.ReadLong()));
        }

        return reader.Failed || reader.Remaining != 0 ? null : files;
    }

    public void Encode(ref XdrWriter writer)
    {
        writer.WriteUInt((uint)files.Count);
        foreach (var (gfid, number) in files)
        {
            writer.WriteGfid(gfid);
            writer.WriteLong(number);
        }
    }
}
