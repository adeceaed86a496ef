using System.Collections.Generic;
using Myrmex.Runtime.Linux;
using Myrmex.Volumes;

namespace Myrmex.Management;

/// <summary>What a brick's file system says; for <c>volume status VOL detail</c>.</summary>
internal sealed record BrickDetail(string Device, string FileSystem, string MountOptions, FileSystemSpace Space);

/// <param name="Port">0 when the brick is not online.</param>
/// <param name="Pid">0 when its process is not running.</param>
internal sealed record BrickReport(Brick Brick, bool Online, int Port, int Pid, BrickDetail? Detail);

internal sealed record VolumeReport(Volume Volume, IReadOnlyList<BrickReport> Bricks);
