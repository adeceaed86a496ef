using System.Collections.Generic;
using Myrmex.Volumes;

namespace Myrmex.Management.Nodes;

/// <summary>What a node that is asked to join says of itself.</summary>
internal enum JoinState
{
    /// <summary>Alone and without volumes: it may be taken in.</summary>
    Free,

    /// <summary>It has volumes, or is about to.</summary>
    HasVolumes,

    /// <summary>It is in a cluster with others or with a store of its own elsewhere.</summary>
    IsMember,

    /// <summary>It is on its way into a cluster.</summary>
    IsJoining,
}

/// <summary>First words of a join, from the side that opened the connection.</summary>
/// <param name="Nonce">Fresh, 32 bytes hexadecimal.</param>
/// <param name="IsProbe">A member probes; else a node asks to be let in.</param>
internal sealed record JoinHello(int Version, string Nonce, bool IsProbe)
{
    public const int CurrentVersion = 1;
}

/// <summary>The answer to it.</summary>
/// <param name="Nonce">Fresh; names the handshake from here on.</param>
/// <param name="Proof">That the secret is known; null when this side has no token.</param>
/// <param name="AcceptsAny">No proof is needed here.</param>
/// <param name="Pending">Fingerprint of the certificate in an offer that was taken and not confirmed; or null.</param>
internal sealed record JoinGreeting(
    int Version, string Nonce, NodeId NodeId, string ClusterId, JoinState State, string? Proof, bool AcceptsAny,
    string? Pending, int ManagementPort);

/// <summary>Every later message of the side that opened the connection.</summary>
/// <param name="Nonce">Of the greeting.</param>
/// <param name="Proof">That the secret is known; null where none is needed.</param>
internal sealed record JoinStep(string Nonce, string? Proof)
{
    /// <summary>With a request to be let in.</summary>
    public JoinApplication? Application { get; init; }

    /// <summary>With an offer.</summary>
    public JoinOffer? Offer { get; init; }

    /// <summary>With the fingerprint of the certificate whose record is in the store.</summary>
    public string? Confirmed { get; init; }
}

/// <summary>What a node asks a certificate for.</summary>
/// <param name="Request">PKCS#10, PEM: of a key that was made for this cluster.</param>
/// <param name="Name">What it would be called when nobody says otherwise.</param>
internal sealed record JoinApplication(NodeId NodeId, string Request, NodeFacts Facts, string Name);

/// <summary>
/// A place in the cluster; it is taken when the node has written it down and its record is in the store.
/// </summary>
/// <param name="Store">How the store is reached, as the new node keeps it.</param>
/// <param name="Members">Those of now.</param>
internal sealed record JoinOffer(
    string ClusterId, string Certificate, string Authority, string Store, IReadOnlyList<NodeRecord> Members);

/// <summary>Done.</summary>
internal sealed record JoinDone(NodeId NodeId);

/// <summary>What everyone may know.</summary>
internal sealed record NodeHealth(string Status, string Version);

/// <summary>What a node answers to one that asks whether it is a member.</summary>
internal sealed record NodeAnswer(NodeId NodeId, string Version);
