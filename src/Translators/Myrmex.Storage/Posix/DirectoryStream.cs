using System.Threading;

namespace Myrmex.Storage;

/// <summary>A directory that a client has opened for listing. Its position is that of the descriptor.</summary>
internal sealed class DirectoryStream(OpenFile file)
{
    public OpenFile File { get; } = file;

    /// <summary>Guards the position; held while records are read.</summary>
    public Lock Guard { get; } = new();

    /// <summary>Cookie at which the descriptor stands.</summary>
    public ulong Position { get; set; }
}
