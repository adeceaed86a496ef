using System.Collections.Generic;

namespace Myrmex.Management.BrickAdmin;

/// <summary>Where a brick is and whether it should answer.</summary>
/// <param name="Node">Id of the node, in text.</param>
public sealed record BrickPlace(string Host, string Path, string Node, bool Online, int Port, int Pid)
{
    /// <summary>HOST:PATH.</summary>
    public string Name => $"{Host}:{Path}";
}

/// <summary>What one brick of a volume answered.</summary>
/// <param name="Problem">Why there is no value.</param>
public sealed record BrickReport<T>(BrickPlace Place, T? Value, string? Problem)
    where T : class;

/// <summary>What the bricks of a volume answered, in the order of the volume.</summary>
public sealed record VolumeReport<T>(string Volume, IReadOnlyList<BrickReport<T>> Bricks)
    where T : class;
