using System.Collections.Generic;
using System.IO;
using System.Linq;
using Myrmex.Volumes;

namespace Myrmex.Management.Bricks;

/// <summary>A brick that this node should serve.</summary>
internal sealed record WantedBrick(Volume Volume, Brick Brick);

/// <summary>
/// The files that tell the brick process what to serve: a volume file a brick, and the list of their paths.
/// </summary>
internal sealed class BrickFiles(DaemonOptions options)
{
    private readonly ServedFiles _files = new(options.VolfileDirectory, options.BrickList);

    /// <summary>
    /// Writes what differs and removes what is not wanted any more; true when the process must look again.
    /// </summary>
    public bool Update(IReadOnlyList<WantedBrick> bricks) => _files.Update(
        [
            .. bricks.Select(w => new ServedFile(
                VolfileOf(w.Volume, w.Brick), BrickVolfile.Build(w.Volume, w.Brick, options.Port).ToString())),
        ]);

    public string VolfileOf(Volume volume, Brick brick) =>
        Path.Combine(options.VolfileDirectory, brick.VolfileKey(volume.Name) + ".vol");
}
