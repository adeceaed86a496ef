using System.Collections.Generic;
using Myrmex.Graph;

namespace Myrmex.Volumes;

/// <summary>The graph an option acts on.</summary>
public enum GraphSide
{
    Client,
    Brick,
}

/// <summary>Where a volume option goes: an option of one translator type in one kind of graph.</summary>
/// <param name="Key">Name in the volume file; <c>{brick}</c> stands for the path of the brick.</param>
public readonly record struct OptionTarget(GraphSide Side, string Type, string Key);

/// <summary>
/// An option of <c>volume set</c>. Without targets it decides about the shape of a graph or about management itself.
/// </summary>
public sealed record VolumeOption(OptionDeclaration Declaration, IReadOnlyList<OptionTarget> Targets)
{
    public string Key => Declaration.Key;

    /// <summary>Set when a volume is created and kept by <c>volume reset</c> without <c>force</c>.</summary>
    public string? AtCreation { get; init; }
}
