using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;

namespace Myrmex.Management.Bricks;

/// <summary>
/// The file by which a process that follows a list says what it has in hands: paths of volume files, one a line, at
/// the path of the list with <c>.held</c> behind it.
/// </summary>
/// <remarks>
/// Invariant: before a process starts something it is in the file, and the process has then seen that the list still
/// names it; it is there until the process has let go of it, directories included. So whoever takes a path out of the
/// list, and reads the file afterwards, knows whether the process has it or may still come to it.
/// </remarks>
public static class HeldList
{
    public static string Of(string list) => list + ".held";

    /// <summary>Throws <see cref="IOException"/> and <see cref="UnauthorizedAccessException"/>.</summary>
    public static void Write(string list, IEnumerable<string> paths) => OwnedFile.Replace(
        Of(list), string.Concat(paths.Order(StringComparer.Ordinal).Select(p => p + "\n")),
        OwnedFile.OwnerOnly);

    /// <summary>What the process of the list has in hands; null when it does not say: one of before.</summary>
    public static IReadOnlySet<string>? Read(string list)
    {
        try
        {
            return File.ReadAllLines(Of(list)).ToHashSet(StringComparer.Ordinal);
        }
        catch (FileNotFoundException)
        {
            return null;
        }
    }
}
