using System;
using System.Security.Cryptography.X509Certificates;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Management.NodeApi;
using Myrmex.Runtime;

namespace Myrmex.Management.Nodes;

/// <summary>
/// <c>cluster join</c>: this node asks a member to be let in, and when it is, its daemon opens the cluster's store.
/// Also finds out about a join that was cut short.
/// </summary>
internal sealed class PeerJoin(
    NodeOptions options, NodeIdentity identity, JoiningNode joining, Func<NodeFacts> facts, Seams seams)
{
    /// <summary>Throws <see cref="CommandException"/>.</summary>
    /// <param name="target">A member: <c>HOST</c> or <c>HOST:PORT</c>.</param>
    /// <param name="token">Its text; null to use the file of the daemon, if there is one.</param>
    public async Task RunAsync(string target, string? token, CancellationToken cancellation)
    {
        var address = PeerAddress.Parse(target);
        var known = token is null ? joining.LoadToken() : Parse(token);
        if (known is null && !options.AcceptAnyProbe)
        {
            throw new CommandException(
                CommandFailure.Invalid, "a join needs the token of the cluster",
                "Show it with 'myrmex cluster token' on a member.");
        }

        switch ((await joining.LookAsync(cancellation)).State)
        {
            case JoinState.HasVolumes:
                throw new CommandException(CommandFailure.Conflict, "this node has volumes configured");
            case JoinState.IsMember:
                throw new CommandException(CommandFailure.Conflict, "this node is already part of a cluster");
            case JoinState.IsJoining:
                throw new CommandException(CommandFailure.Conflict, "this node is joining a cluster at the moment");
        }

        try
        {
            await TryAsync(address, known, cancellation);
        }
        catch (NodeUnreachableException e)
        {
            throw new CommandException(CommandFailure.Failed, e.Message);
        }
    }

    /// <summary>
    /// Asks about an offer that was taken and not confirmed, until it is, or is not and its time is over. Until
    /// cancelled.
    /// </summary>
    public async Task ConfirmAsync(
        Func<CancellationToken, Task<PendingJoin?>> load, CancellationToken cancellation)
    {
        string? asked = null;
        var sinceNs = 0L;
        while (true)
        {
            await Pauses.WaitAsync(seams.Scheduler, NodeLimits.ConfirmPeriodMs, cancellation);
            if (await load(cancellation) is not { } pending)
            {
                continue;
            }

            var fingerprint = JoiningNode.FingerprintOf(pending);
            if (fingerprint != asked)
            {
                asked = fingerprint;
                sinceNs = seams.Clock.MonotonicNs;
            }

            var isMember = pending.IsConfirmed ? true : await AskAsync(pending, cancellation);
            if (isMember == true)
            {
                await joining.ConfirmAsync(fingerprint, cancellation);
            }
            else if (isMember == false && seams.Clock.MonotonicNs - sinceNs > NodeLimits.ConfirmMs * 1_000_000)
            {
                Log.Warning(
                    "nodes", "a join was not confirmed and is forgotten", ("cluster", pending.Identity.ClusterId));
                await joining.ForgetAsync(fingerprint, cancellation);
            }
        }
    }

    private static JoinToken Parse(string token)
    {
        try
        {
            return JoinToken.Parse(token);
        }
        catch (FormatException e)
        {
            throw new CommandException(CommandFailure.Invalid, e.Message);
        }
    }

    private async Task TryAsync(PeerAddress address, JoinToken? token, CancellationToken cancellation)
    {
        var port = address.Port > 0 ? address.Port : options.NodePort;
        using var member = new StrangerClient(identity.Current, address.Host, port, seams);
        var nonce = new byte[JoinProof.NonceBytes];
        seams.Random.Fill(nonce);
        var hello = new JoinHello(
            JoinHello.CurrentVersion, System.Convert.ToHexStringLower(nonce), IsProbe: false);
        var greeting = await member.PostAsync(
            "hello", hello, NodeJson.Default.JoinHello, NodeJson.Default.JoinGreeting, cancellation);
        if (greeting.NodeId == identity.Current.Id)
        {
            throw new CommandException(CommandFailure.Invalid, $"{address.Host} is this node");
        }

        var step = new JoinStep(greeting.Nonce, Prove(address.Host, hello, greeting, member, token));
        var application = joining.Apply(facts(), out var key);
        using (key)
        {
            var offer = await member.PostAsync(
                "apply", step with { Application = application }, NodeJson.Default.JoinStep,
                NodeJson.Default.JoinOffer, cancellation);
            CheckMember(greeting, member, offer);
            var fingerprint = await joining.AcceptAsync(offer, key, token, cancellation);
            await member.PostAsync(
                "prepared", step, NodeJson.Default.JoinStep, NodeJson.Default.JoinDone, cancellation);
            await joining.ConfirmAsync(fingerprint, cancellation);
        }
    }

    /// <summary>Checks the member's proof and answers ours; null when none is needed.</summary>
    private string? Prove(
        string host, JoinHello hello, JoinGreeting greeting, StrangerClient member, JoinToken? token)
    {
        if (token is null)
        {
            return greeting.AcceptsAny ? null
                : throw new CommandException(CommandFailure.Conflict, $"{host} wants its join token to be shown");
        }

        var seen = new JoinProof(
            member.Shown, Certificates.Fingerprint(member.Certificate), hello.Nonce, greeting.Nonce);
        return seen.Holds(token, JoinRole.JoinedMember, greeting.Proof)
            ? seen.Make(token, JoinRole.JoiningNode)
            : throw new CommandException(
                CommandFailure.Conflict, $"the join token is not that of the cluster of {host}, or no longer");
    }

    /// <summary>The authority in the offer must have signed the certificate that the member shows.</summary>
    private void CheckMember(JoinGreeting greeting, StrangerClient member, JoinOffer offer)
    {
        using var authority = Read(offer.Authority);
        if (Certificates.Check(member.Certificate, authority, isServer: true, seams.Clock)
            != Principal.OfNode(greeting.NodeId))
        {
            throw new CommandException(CommandFailure.Conflict, "the member is not of the cluster that it offers");
        }
    }

    private static X509Certificate2 Read(string pem)
    {
        try
        {
            return X509Certificate2.CreateFromPem(pem);
        }
        catch (Exception e) when (e is System.Security.Cryptography.CryptographicException or ArgumentException)
        {
            throw new CommandException(CommandFailure.Invalid, "the authority in the offer cannot be read");
        }
    }

    /// <summary>True: a member knows this node; false: one does not; null: none could be asked.</summary>
    private async Task<bool?> AskAsync(PendingJoin pending, CancellationToken cancellation)
    {
        var material = new NodeMaterial(pending.Identity);
        using var client = new NodeClient(
            () => material, id => Array.Find([.. pending.Members], m => m.Id == id), seams);
        foreach (var member in pending.Members)
        {
            try
            {
                await client.GetAsync(member.Id, "/v1/node/self", NodeJson.Default.NodeAnswer, cancellation);
                return true;
            }
            catch (CommandException e) when (e.Failure == CommandFailure.Conflict)
            {
                return false;
            }
            catch (Exception e) when (e is NodeUnreachableException or CommandException)
            {
                // The next one may know.
            }
        }

        return null;
    }
}
