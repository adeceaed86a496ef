using Myrmex.Rpc;
using Myrmex.Wire;

namespace Myrmex.Protocol;

/// <summary>
/// One successful SETVOLUME. An fd number belongs to the attachment it was given on and is never sent on another, where it could
/// name a stranger's file.
/// </summary>
internal sealed class ClientAttachment(RpcConnection connection)
{
    public RpcConnection Connection { get; } = connection;

    /// <summary>
    /// The server remembers the outcomes of changes: fops that belong to one say so. Others never see that.
    /// </summary>
    public bool KeepsOutcomes { get; init; }

    /// <summary>
    /// The server lists the program <see cref="Programs.Extension"/>; others never see anything of it.
    /// </summary>
    public bool IsExtended { get; init; }
}
