using Myrmex.Base;

namespace Myrmex.Features;

/// <summary>
/// Who holds or wants a lock: the connection it came over and the lock owner of the credential. A null client is the
/// process itself.
/// </summary>
public readonly record struct LockHolder(ClientIdentity? Client, LkOwner Owner)
{
    public static LockHolder Of(Call call) => new(call.Client, call.LockOwner);

    public override string ToString() => $"{Client?.ToString() ?? "local"}/{Owner}";
}
