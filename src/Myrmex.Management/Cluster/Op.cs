using System.Collections.Generic;
using System.Text.Json;
using System.Text.Json.Serialization;
using Myrmex.Management.State;
using Myrmex.Volumes;

namespace Myrmex.Management.Cluster;

internal enum OpKind
{
    Create,
    Start,
    AddBrick,

    /// <summary>A new member in the place of another one, in another directory or in its own, renewed.</summary>
    ReplaceBrick,
}

/// <summary>How far a command is. It only goes forward; the end is that the op is gone.</summary>
internal enum OpPhase
{
    /// <summary>The nodes look whether their step can be done. Nothing has been touched.</summary>
    Check,

    /// <summary>The nodes do their step. It can be taken back.</summary>
    Do,

    /// <summary>The nodes take their step back.</summary>
    Abort,
}

/// <summary>
/// A command under way that concerns several nodes or steps, kept at <c>op/ID</c>. It ends in the one transaction that
/// makes its change and deletes op, parts and lock, or in <see cref="OpPhase.Abort"/>.
/// </summary>
/// <param name="Volume">Name of the volume it changes and has locked.</param>
/// <param name="Coordinator">The node whose daemon got the command.</param>
/// <param name="Instance">Of that daemon: another instance knows nothing of the command and aborts it.</param>
/// <param name="Nodes">Those that have a step to do.</param>
/// <param name="Planned">The volume as it will be; bricks without file system numbers.</param>
/// <param name="NewBricks">Indices of the planned volume's bricks that are new.</param>
internal sealed record Op(
    string Id, OpKind Kind, string Volume, NodeId Coordinator, string Instance, OpPhase Phase,
    IReadOnlyList<NodeId> Nodes, Volume Planned, IReadOnlyList<int> NewBricks)
{
    /// <summary>Take brick directories that are used otherwise or lie on the root file system.</summary>
    public bool Force { get; init; }

    /// <summary>The volume is new and its bricks are empty: see <c>BrickDirectory.Mark</c>.</summary>
    public bool IsSpread { get; init; }

    public long StartedUnixMs { get; init; }

    public byte[] ToBytes() => JsonSerializer.SerializeToUtf8Bytes(this, OpJson.Default.Op);

    public static Op FromBytes(System.ReadOnlySpan<byte> bytes) =>
        JsonSerializer.Deserialize(bytes, OpJson.Default.Op) ?? throw new JsonException("no op");
}

internal enum OpPartState
{
    /// <summary>The step can be done.</summary>
    Checked,

    /// <summary>Brick directories are being made; <see cref="OpPart.Before"/> says what was there.</summary>
    Marking,

    /// <summary>The bricks are being started.</summary>
    Serving,

    Done,

    /// <summary>The step cannot be done; what was touched is in <see cref="OpPart.Before"/>.</summary>
    Failed,
}

/// <summary>What one node did for an op, kept at <c>part/OP/NODE</c> until the op ends or it is taken back.</summary>
/// <param name="Error">Why it failed, in words for the administrator.</param>
/// <param name="Failure">Kind of the error.</param>
internal sealed record OpPart(
    string Op, NodeId Node, OpPartState State, string? Error, CommandFailure Failure, IReadOnlyList<BrickBefore> Before)
{
    /// <summary>All brick directories of this node are empty.</summary>
    public bool IsEmpty { get; init; }

    /// <summary>File system numbers of the bricks of this node, by their index in the volume.</summary>
    public IReadOnlyDictionary<int, ulong> FileSystems { get; init => field = value ?? new Dictionary<int, ulong>(); } =
        new Dictionary<int, ulong>();

    public byte[] ToBytes() => JsonSerializer.SerializeToUtf8Bytes(this, OpJson.Default.OpPart);

    public static OpPart FromBytes(System.ReadOnlySpan<byte> bytes) =>
        JsonSerializer.Deserialize(bytes, OpJson.Default.OpPart) ?? throw new JsonException("no part of an op");
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true, WriteIndented = false)]
[JsonSerializable(typeof(Op))]
[JsonSerializable(typeof(OpPart))]
internal sealed partial class OpJson : JsonSerializerContext;
