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

    /// <summary>Until when no other probe may go on; 0 for one that has not begun to.</summary>
    public long ClaimEndsNs { get; set; }

    /// <summary>The key that a certificate was asked for. Disposed with this.</summary>
    public ECDsa? Key { get; set; }

    /// <summary>What was offered to the caller.</summary>
    public Admission? Admission { get; set; }

    public void Dispose() => Key?.Dispose();
}

/// <summary>
/// The joins that somebody began here. Every step is taken at most once, in order, from the certificate that began, and
/// soon: a message that is heard again is refused. One probe at a time goes on beyond its greeting, so that members
/// that probe the same node at once do not take each other's offers back for ever.
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
                CheckClaim(handshake, to);
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

    /// <summary>It does not go on: another one may.</summary>
    public void Drop(JoinHandshake handshake)
    {
        lock (_lock)
        {
            _open.Remove(handshake.Seen.CalleeNonce);
        }

        handshake.Dispose();
    }

    private void CheckClaim(JoinHandshake handshake, JoinStage to)
    {
        var nowNs = seams.Clock.MonotonicNs;
        if (!handshake.IsProbe || to == JoinStage.Over)
        {
            return;
        }

        if (_open.Values.Any(other => !ReferenceEquals(other, handshake) && other.ClaimEndsNs > nowNs))
        {
            throw new CommandException(CommandFailure.Conflict, "another member is taking the node in at the moment");
        }

        handshake.ClaimEndsNs = nowNs + (NodeLimits.ClaimMs * 1_000_000);
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
