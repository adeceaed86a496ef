using System;

namespace Myrmex.Base;

/// <summary>
/// The first bytes of the data of a write, as they are in a file of this machine already: a store on the same file
/// system need not write them a second time. Good as long as the fop is under way; any thread.
/// </summary>
public interface IStoredData
{
    /// <summary>Bytes; a multiple of 4096, not 0.</summary>
    int Length { get; }

    /// <summary>
    /// Makes a range of an open file share the blocks: its content is these bytes then, as after a write, and the
    /// file is at least so long. The offset must be a multiple of 4096. After an error (EOPNOTSUPP or EXDEV where that
    /// cannot be) write them.
    /// </summary>
    /// <param name="descriptor">Of the file, open for writing.</param>
    Errno ShareInto(int descriptor, long offset);

    /// <summary>Reads them, for a store without descriptors.</summary>
    Errno Read(Span<byte> target);
}
