using System;
using System.Collections.Generic;
using System.Linq;
using System.Security.Cryptography;
using System.Threading;
using Myrmex.Runtime;

namespace Myrmex.Management.Nodes;

/// <summary>How far a join has come that somebody began here.</summary>
internal enum JoinStage
{
    Greeted,
    Requested,
    Offered,
    Over,
}

/// <summary>A join that somebody began here.</summary>
internal sealed class JoinHandshake(JoinProof seen, bool isProbe, JoinToken? token, long endsNs) : IDisposable
{
    public JoinProof Seen => seen;

    public bool IsProbe => isProbe;

    /// <summary>What the caller has to prove; null when nothing.</summary>
    public JoinToken? Token => token;

    public long EndsNs => endsNs;

    public JoinStage Stage { get; set; }

    /// <summary>The key that a certificate was asked for. Disposed with this.</summary>
    public ECDsa? Key { get; set; }

    /// <summary>What was offered to the caller.</summary>
    public Admission? Admission { get; set; }

    /// <summary>Fingerprint in the offer that was taken from the caller.</summary>
    public string? Accepted { get; set; }

    public void Dispose() => Key?.Dispose();
}

/// <summary>
/// The joins that somebody began here. Every step is taken at most once, in order, from the certificate that began, and
/// soon: a message that is heard again is refused.
/// </summary>
internal sealed class JoinHandshakes(Seams seams)
{
    private readonly Lock _lock = new(); // Guards _open and the stages in it; a leaf lock.
    private readonly Dictionary<string, JoinHandshake> _open = new(StringComparer.Ordinal);

    /// <summary>A fresh nonce, hexadecimal.</summary>
    public string NewNonce()
    {
        Span<byte> bytes = stackalloc byte[JoinProof.NonceBytes];
        seams.Random.Fill(bytes);
        return System.Convert.ToHexStringLower(bytes);
    }

    public JoinHandshake Open(JoinProof seen, bool isProbe, JoinToken? token)
    {
        var handshake = new JoinHandshake(
            seen, isProbe, token, seams.Clock.MonotonicNs + (NodeLimits.HandshakeMs * 1_000_000));
        lock (_lock)
        {
            foreach (var (nonce, old) in _open.Where(h => h.Value.EndsNs <= seams.Clock.MonotonicNs).ToList())
            {
                Close(nonce, old);
            }

            if (_open.Count >= NodeLimits.HandshakesMax)
            {
                var (nonce, oldest) = _open.MinBy(h => h.Value.EndsNs);
                Close(nonce, oldest);
            }

            _open[seen.CalleeNonce] = handshake;
        }

        return handshake;
    }

    /// <summary>
    /// The handshake that this step belongs to, moved on to <paramref name="to"/>. Throws
    /// <see cref="CommandException"/> for one that is not known, not at this stage, from another certificate, too late
    /// or without proof.
    /// </summary>
    public JoinHandshake Take(
        JoinStep step, string caller, bool isProbe, JoinRole role, JoinStage to, params ReadOnlySpan<JoinStage> from)
    {
        lock (_lock)
        {
            if (_open.TryGetValue(step.Nonce ?? string.Empty, out var handshake)
                && handshake.EndsNs > seams.Clock.MonotonicNs && handshake.IsProbe == isProbe
                && handshake.Seen.Caller == caller && from.Contains(handshake.Stage)
                && (handshake.Token is null || handshake.Seen.Holds(handshake.Token, role, step.Proof)))
            {
                handshake.Stage = to;
                if (to == JoinStage.Over)
                {
                    _open.Remove(handshake.Seen.CalleeNonce); // Its owner disposes it.
                }

                return handshake;
            }
        }

        throw new CommandException(CommandFailure.Conflict, "the join is refused: it is not proven or not expected");
    }

    private void Close(string nonce, JoinHandshake handshake)
    {
        _open.Remove(nonce);
        if (handshake.Stage == JoinStage.Greeted)
        {
            handshake.Dispose(); // Later stages may be in use; nothing but memory is lost.
        }
    }
}
