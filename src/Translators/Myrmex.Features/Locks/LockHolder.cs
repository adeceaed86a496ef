using System;
using Myrmex.Base;

namespace Myrmex.Features;

/// <summary>
/// Who holds or wants a lock: the connection it came over and the lock owner of the credential. A null client is the
/// process itself. With a <see cref="Session"/> it is that session and owner, over whichever connection.
/// </summary>
public readonly record struct LockHolder(ClientIdentity? Client, LkOwner Owner)
{
    /// <summary>The client behind a proxy; none for all others.</summary>
    public LockSession Session { get; init; }

    public static LockHolder Of(Call call) => new(call.Client, call.LockOwner);

    /// <summary>For POSIX locks, which a client takes along from proxy to proxy.</summary>
    public static LockHolder Of(Call call, XData? xdata) => Of(call) with { Session = LockSession.Of(xdata) };

    public bool Equals(LockHolder other) => Session.IsNone && other.Session.IsNone
        ? ReferenceEquals(Client, other.Client) && Owner.Equals(other.Owner)
        : Session.Id == other.Session.Id && Session.Owner.Equals(other.Session.Owner);

    public override int GetHashCode() =>
        Session.IsNone ? HashCode.Combine(Client, Owner) : HashCode.Combine(Session.Id, Session.Owner);

    public override string ToString() => $"{Client?.ToString() ?? "local"}/{Owner}";
}
