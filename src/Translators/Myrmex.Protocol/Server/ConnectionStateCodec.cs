using System;
using System.Collections.Generic;
using System.Diagnostics.CodeAnalysis;
using System.Linq;
using System.Text.Json;
using System.Text.Json.Serialization;
using Myrmex.Base;

namespace Myrmex.Protocol;

/// <summary>
/// A <see cref="ConnectionState"/> as bytes: JSON, so that processes of different versions understand each other. What
/// is unknown is passed over; what is missing or out of its range makes the whole invalid.
/// </summary>
public static class ConnectionStateCodec
{
    /// <summary>Bytes of one state: a client with 2^20 open files has some 100 MB.</summary>
    public const int BytesMax = 512 << 20;

    public static byte[] Write(ConnectionState state) =>
        JsonSerializer.SerializeToUtf8Bytes(state, ConnectionStateJson.Default.ConnectionState);

    /// <summary>False, with the reason, for bytes that are no valid state.</summary>
    public static bool TryRead(
        ReadOnlySpan<byte> bytes, [NotNullWhen(true)] out ConnectionState? state, out string problem)
    {
        state = null;
        try
        {
            state = JsonSerializer.Deserialize(bytes, ConnectionStateJson.Default.ConnectionState);
            problem = state is null ? "it is empty" : ProblemOf(state);
        }
        catch (JsonException e)
        {
            problem = e.Message;
        }

        state = problem.Length == 0 ? state : null;
        return state is not null;
    }

    private static string ProblemOf(ConnectionState state)
    {
        if (state.PeerPort is < 0 or > ushort.MaxValue)
        {
            return "the port of the client is none";
        }

        if (state.Attachment is null)
        {
            return state.Fds.Count == 0 ? string.Empty : "it has open files and is not attached";
        }

        if (state.Attachment.RootAlias is { } alias && !Gfid.TryParse(alias, out _))
        {
            return "the root of the client is no gfid";
        }

        var numbers = new HashSet<long>();
        foreach (var fd in state.Fds)
        {
            if (fd is null || fd.Number is < 0 or >= FdTable.CountMax || !numbers.Add(fd.Number))
            {
                return "the number of an open file is out of range or there twice";
            }

            if (!Gfid.TryParse(fd.Gfid, out var gfid) || gfid.IsNull)
            {
                return "an open file has no gfid";
            }

            if (fd.Locks.Any(l => l is null || l.Start < 0 || l.End < l.Start
                    || l.Owner is not { Length: <= LkOwner.LengthMax })
                || (fd.Locks.Count > 0 && fd.IsDirectory))
            {
                return "a lock of an open file is out of range";
            }
        }

        return string.Empty;
    }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(ConnectionState))]
internal sealed partial class ConnectionStateJson : JsonSerializerContext;
