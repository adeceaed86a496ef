using System;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Coordination;
using Myrmex.Runtime;

namespace Myrmex.Management.Nodes;

/// <summary>
/// The called side of joins: of nodes that are probed (<see cref="RequestAsync"/>, <see cref="OfferAsync"/>,
/// <see cref="ConfirmAsync"/>) and of members that are asked (<see cref="ApplyAsync"/>, <see cref="PreparedAsync"/>).
/// Every method is given the fingerprint of the certificate that the caller showed, and throws
/// <see cref="CommandException"/> for what it refuses.
/// </summary>
/// <param name="facts">What this machine says of itself.</param>
internal sealed class JoinService(
    NodeOptions options, NodeIdentity identity, JoiningNode joining, AdmittingMember admitting, IStateStore store,
    Func<NodeFacts> facts, Seams seams)
{
    private readonly JoinHandshakes _handshakes = new(seams);

    public async Task<JoinGreeting> HelloAsync(JoinHello hello, string caller, CancellationToken cancellation)
    {
        if (hello.Version != JoinHello.CurrentVersion)
        {
            throw new CommandException(
                CommandFailure.Invalid, $"joins of version {hello.Version} are not known here; this is "
                + $"{JoinHello.CurrentVersion}");
        }

        if (!JoinProof.IsNonce(hello.Nonce))
        {
            throw new CommandException(CommandFailure.Invalid, "the nonce is not one");
        }

        var token = hello.IsProbe ? joining.LoadToken() : await ClusterTokenAsync(cancellation);
        var (state, pending) = await joining.LookAsync(cancellation);
        var material = identity.Current;
        var seen = new JoinProof(caller, material.Fingerprint, hello.Nonce, _handshakes.NewNonce());
        var role = hello.IsProbe ? JoinRole.ProbedNode : JoinRole.JoinedMember;
        var acceptsAny = options.AcceptAnyProbe && (!hello.IsProbe || token is null);
        if (token is not null || acceptsAny)
        {
            _handshakes.Open(seen, hello.IsProbe, acceptsAny ? null : token);
        }

        return new JoinGreeting(
            JoinHello.CurrentVersion, seen.CalleeNonce, material.Id, material.ClusterId, state,
            token is null ? null : seen.Make(token, role), acceptsAny, pending, options.ManagementPort);
    }

    /// <summary>On a probed node: asks for a certificate.</summary>
    public Task<JoinApplication> RequestAsync(JoinStep step, string caller)
    {
        var handshake = _handshakes.Take(
            step, caller, isProbe: true, JoinRole.ProbingMember, JoinStage.Requested, JoinStage.Greeted);
        var application = joining.Apply(facts(), out var key);
        handshake.Key = key;
        return Task.FromResult(application);
    }

    /// <summary>On a probed node: writes the offer down.</summary>
    public async Task<JoinDone> OfferAsync(JoinStep step, string caller, CancellationToken cancellation)
    {
        var handshake = _handshakes.Take(
            step, caller, isProbe: true, JoinRole.ProbingMember, JoinStage.Offered, JoinStage.Requested);
        try
        {
            if (step.Offer is not { } offer || handshake.Key is not { } key)
            {
                throw new CommandException(CommandFailure.Invalid, "there is no offer");
            }

            await joining.AcceptAsync(offer, key, handshake.Token, cancellation);
            return new JoinDone(identity.Current.Id);
        }
        catch
        {
            _handshakes.Drop(handshake);
            throw;
        }
    }

    /// <summary>On a probed node: the cluster has made it a member. Also for an offer of an earlier probe.</summary>
    public async Task<JoinDone> ConfirmAsync(JoinStep step, string caller, CancellationToken cancellation)
    {
        using var handshake = _handshakes.Take(
            step, caller, isProbe: true, JoinRole.ProbingMember, JoinStage.Over, JoinStage.Greeted, JoinStage.Offered);
        await joining.ConfirmAsync(step.Confirmed ?? string.Empty, cancellation);
        return new JoinDone(identity.Current.Id);
    }

    /// <summary>On a member: offers a place.</summary>
    public async Task<JoinOffer> ApplyAsync(JoinStep step, string caller, CancellationToken cancellation)
    {
        var handshake = _handshakes.Take(
            step, caller, isProbe: false, JoinRole.JoiningNode, JoinStage.Requested, JoinStage.Greeted);
        if (step.Application is not { } application || !NodeNames.IsValid(application.Name))
        {
            throw new CommandException(CommandFailure.Invalid, "there is no request, or its name cannot be one");
        }

        handshake.Admission = await admitting.OfferAsync(application, application.Name, cancellation);
        return handshake.Admission.Offer;
    }

    /// <summary>On a member: the node has written the offer down and becomes a member.</summary>
    public async Task<JoinDone> PreparedAsync(JoinStep step, string caller, CancellationToken cancellation)
    {
        using var handshake = _handshakes.Take(
            step, caller, isProbe: false, JoinRole.JoiningNode, JoinStage.Over, JoinStage.Requested);
        return handshake.Admission is { } admission && await admitting.AdmitAsync(admission, cancellation)
            ? new JoinDone(identity.Current.Id)
            : throw new CommandException(
                CommandFailure.Conflict, "the members of the cluster have changed meanwhile; try again");
    }

    private async Task<JoinToken> ClusterTokenAsync(CancellationToken cancellation)
    {
        using var authority = await ClusterAuthority.EnsureAsync(store, seams, cancellation);
        return authority.Token;
    }
}
