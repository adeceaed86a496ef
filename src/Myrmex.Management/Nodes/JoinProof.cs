using System;
using System.Security.Cryptography;
using System.Text;

namespace Myrmex.Management.Nodes;

/// <summary>Who proves the secret to whom: it is part of the proof, so that none can be sent back.</summary>
internal enum JoinRole
{
    /// <summary>A member that called a node with <c>peer probe</c>.</summary>
    ProbingMember,

    /// <summary>The node it called.</summary>
    ProbedNode,

    /// <summary>A node that called a member with <c>cluster join</c>.</summary>
    JoiningNode,

    /// <summary>The member it called.</summary>
    JoinedMember,
}

/// <summary>
/// What both sides of a join see of their connection: the certificates at its ends and a fresh nonce of each. Someone
/// in the middle has to show a certificate of its own to each side, and then the two sides see different things.
/// </summary>
/// <param name="Caller">Fingerprint of the certificate of the side that opened the connection.</param>
/// <param name="Callee">Fingerprint of the certificate of the other side.</param>
internal sealed record JoinProof(string Caller, string Callee, string CallerNonce, string CalleeNonce)
{
    public const int NonceBytes = 32;

    private const string Domain = "myrmex join 1";

    /// <summary>HMAC-SHA-256 of all of it and the role under the secret, hexadecimal.</summary>
    public string Make(JoinToken token, JoinRole role)
    {
        var text = string.Join('\n', Domain, role.ToString(), Caller, Callee, CallerNonce, CalleeNonce);
        return System.Convert.ToHexStringLower(HMACSHA256.HashData(token.Secret, Encoding.UTF8.GetBytes(text)));
    }

    /// <summary>In the same time whatever the proof is.</summary>
    public bool Holds(JoinToken token, JoinRole role, string? proof) => CryptographicOperations.FixedTimeEquals(
        Encoding.UTF8.GetBytes(Make(token, role)), Encoding.UTF8.GetBytes(proof ?? string.Empty));

    /// <summary>True for a nonce of the right length, hexadecimal.</summary>
    public static bool IsNonce(string? text) =>
        text is { Length: NonceBytes * 2 } && text.AsSpan().IndexOfAnyExcept("0123456789abcdef") < 0;
}
