using Myrmex.Base;

namespace Myrmex.Protocol;

/// <summary>What a client is attached to, as whom. It does not change for the life of the connection.</summary>
/// <param name="RootAlias">The directory that is the root for this client; null for the volume's own.</param>
/// <param name="IsTrusted">It logged in with the volume's password.</param>
/// <param name="Request">What it was let in for, to be judged again when the lists change.</param>
internal sealed record ServerAttachment(
    Export Export, ClientIdentity Identity, Gfid RootAlias, bool IsTrusted, AuthenticationRequest Request);
