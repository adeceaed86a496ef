using System;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Coordination;
using Myrmex.Management.Cluster;
using Myrmex.Management.NodeApi;
using Myrmex.Runtime;

namespace Myrmex.Management.Nodes;

/// <summary>
/// <c>peer probe</c>: a member takes in a node that it can reach. Every step may be repeated, and a probe that was cut
/// short anywhere is finished by the next, or by the node itself.
/// </summary>
internal sealed class PeerProbe(
    NodeOptions options, IStateStore store, NodeIdentity identity, NodeDirectory directory, MemberChanges members,
    AdmittingMember admitting, Seams seams)
{
    /// <summary>How the refusal begins when nothing answers at the node port. Source: GlusterFS.</summary>
    public const string Unreachable = "Probe returned with Transport endpoint is not connected";

    private const string Success = "success";
    private const string NotNeeded = "Probe on localhost not needed";

    /// <summary>
    /// Takes in the node at <paramref name="target"/>, <c>HOST</c> or <c>HOST:PORT</c>. Answers what stands after
    /// "peer probe: ". Throws <see cref="CommandException"/> with what stands after "peer probe: failed: ".
    /// </summary>
    public async Task<string> RunAsync(string target, CancellationToken cancellation)
    {
        var address = PeerAddress.Parse(target);
        var port = address.Port > 0 ? address.Port : options.NodePort;
        var own = directory.Find(identity.Current.Id);
        if (address.Host == "localhost"
            || (own?.HasName(address.Host) == true && (address.Port == 0 || address.Port == own.NodePort)))
        {
            return NotNeeded;
        }

        if (directory.FindName(address.Host) is { } known && directory.IsAlive(known.Id))
        {
            return AlreadyKnown(address.Host, known.ManagementPort);
        }

        var endNs = seams.Clock.MonotonicNs + (NodeLimits.ProbeMs * 1_000_000);
        while (true)
        {
            try
            {
                if (await TryAsync(address.Host, port, cancellation) is { } answer)
                {
                    return answer;
                }
            }
            catch (NodeUnreachableException e)
            {
                return directory.FindName(address.Host) is { } away
                    ? AlreadyKnown(address.Host, away.ManagementPort)
                    : throw new CommandException(
                        CommandFailure.Failed,
                        $"{Unreachable} ({e.Reason})");
            }

            if (seams.Clock.MonotonicNs > endNs)
            {
                throw new CommandException(
                    CommandFailure.Conflict, $"the cluster or {address.Host} changes all the time; try again");
            }

            await Pauses.WaitAsync(seams.Scheduler, NextPauseMs(), cancellation);
        }
    }

    private static string AlreadyKnown(string host, int port) => $"Host {host} port {port} already in peer list";

    /// <summary>Null when something changed under it.</summary>
    private async Task<string?> TryAsync(string host, int port, CancellationToken cancellation)
    {
        using var node = new StrangerClient(identity.Current, host, port, seams);
        var nonce = new byte[JoinProof.NonceBytes];
        seams.Random.Fill(nonce);
        var hello = new JoinHello(
            JoinHello.CurrentVersion, System.Convert.ToHexStringLower(nonce), IsProbe: true);
        var greeting = await node.PostAsync(
            "hello", hello, NodeJson.Default.JoinHello, NodeJson.Default.JoinGreeting, cancellation);
        if (greeting.NodeId == identity.Current.Id
            && Certificates.Fingerprint(node.Certificate) == identity.Current.Fingerprint)
        {
            return NotNeeded;
        }

        if (greeting.ClusterId == identity.Current.ClusterId)
        {
            return await KnownAsync(host, greeting, node, cancellation);
        }

        if (greeting.State is JoinState.IsMember or JoinState.HasVolumes)
        {
            throw new CommandException(
                CommandFailure.Conflict,
                $"{host} is either already part of another cluster or having volumes configured");
        }

        var proof = await ProveAsync(host, hello, greeting, node, cancellation);
        var step = new JoinStep(greeting.Nonce, proof);
        if (greeting.Pending is { } pending
            && await members.FindAsync(greeting.NodeId, cancellation) is var (record, _)
            && record.Fingerprint == pending)
        {
            return await ConfirmAsync(node, step, record, cancellation) ? Success : null;
        }

        if (greeting.State == JoinState.IsJoining)
        {
            throw new CommandException(CommandFailure.Conflict, $"{host} is joining a cluster at the moment");
        }

        return await AdmitAsync(host, node, step, cancellation);
    }

    private async Task<string?> AdmitAsync(
        string host, StrangerClient node, JoinStep step, CancellationToken cancellation)
    {
        if (await OfferAsync(host, node, step, cancellation) is not { } admission
            || !await admitting.AdmitAsync(admission, cancellation))
        {
            return null;
        }

        Log.Information("nodes", "node admitted", ("node", admission.Node), ("name", host));
        var record = await members.FindAsync(admission.Node, cancellation);
        return record is var (admitted, _) && await ConfirmAsync(node, step, admitted, cancellation) ? Success : null;
    }

    /// <summary>An offer that the node has written down; null when another member came first.</summary>
    private async Task<Admission?> OfferAsync(
        string host, StrangerClient node, JoinStep step, CancellationToken cancellation)
    {
        JoinApplication application;
        try
        {
            application = await node.PostAsync(
                "request", step, NodeJson.Default.JoinStep, NodeJson.Default.JoinApplication, cancellation);
        }
        catch (CommandException e) when (e.Failure == CommandFailure.Conflict)
        {
            return null;
        }

        // Its refusals are the administrator's to read.
        var admission = await admitting.OfferAsync(application, host, cancellation);
        try
        {
            await node.PostAsync(
                "offer", step with { Offer = admission.Offer }, NodeJson.Default.JoinStep, NodeJson.Default.JoinDone,
                cancellation);
            return admission;
        }
        catch (CommandException e) when (e.Failure == CommandFailure.Conflict)
        {
            return null;
        }
    }

    private int NextPauseMs()
    {
        var bytes = new byte[sizeof(ushort)];
        seams.Random.Fill(bytes);
        return 1 + (BitConverter.ToUInt16(bytes) % NodeLimits.ProbePauseMsMax);
    }

    /// <summary>
    /// Tells the node that it is a member; false when it has taken another offer. One that does not hear it asks.
    /// </summary>
    private async Task<bool> ConfirmAsync(
        StrangerClient node, JoinStep step, NodeRecord record, CancellationToken cancellation)
    {
        try
        {
            await node.PostAsync(
                "confirm", step with { Confirmed = record.Fingerprint }, NodeJson.Default.JoinStep,
                NodeJson.Default.JoinDone, cancellation);
        }
        catch (CommandException e) when (e.Failure == CommandFailure.Conflict)
        {
            return false;
        }
        catch (Exception e) when (e is NodeUnreachableException or CommandException)
        {
            Log.Warning("nodes", "a new node was not told; it will ask", ("node", record.Id), ("reason", e.Message));
            return true;
        }

        await SettleAsync(record, cancellation);
        return true;
    }

    /// <summary>Waits for the node to be heard of; it is a member either way.</summary>
    private async Task SettleAsync(NodeRecord record, CancellationToken cancellation)
    {
        var endNs = seams.Clock.MonotonicNs + (NodeLimits.ProbeSettleMs * 1_000_000);
        while (!directory.IsAlive(record.Id) && seams.Clock.MonotonicNs < endNs)
        {
            await Pauses.WaitAsync(seams.Scheduler, NodeLimits.ProbeLookMs, cancellation);
        }
    }

    /// <summary>Checks the node's proof and answers ours; null when none is needed.</summary>
    private async Task<string?> ProveAsync(
        string host, JoinHello hello, JoinGreeting greeting, StrangerClient node, CancellationToken cancellation)
    {
        if (greeting.Proof is null && greeting.AcceptsAny && options.AcceptAnyProbe)
        {
            return null;
        }

        using var authority = await ClusterAuthority.EnsureAsync(store, seams, cancellation);
        var seen = new JoinProof(
            node.Shown, Certificates.Fingerprint(node.Certificate), hello.Nonce, greeting.Nonce);
        return seen.Holds(authority.Token, JoinRole.ProbedNode, greeting.Proof)
            ? seen.Make(authority.Token, JoinRole.ProbingMember)
            : throw new CommandException(
                CommandFailure.Conflict,
                $"{host} does not have the join token of this cluster",
                "Show it here with 'myrmex cluster token' and put it into the file join-token in the working directory "
                + "of the daemon there.");
    }

    /// <summary>
    /// A node that says it is in this cluster: true if it shows that, and then it may get one name more.
    /// </summary>
    private async Task<string?> KnownAsync(
        string host, JoinGreeting greeting, StrangerClient node, CancellationToken cancellation)
    {
        var snapshot = await members.ReadAsync(cancellation);
        var bearer = Certificates.Check(
            node.Certificate, identity.Current.Authority, isServer: true, seams.Clock);
        var record = snapshot.Find(greeting.NodeId);
        var shown = Certificates.Fingerprint(node.Certificate);
        if (record is null || bearer != Principal.OfNode(record.Id)
            || (shown != record.Fingerprint && shown != record.NextFingerprint))
        {
            throw new CommandException(
                CommandFailure.Conflict,
                $"{host} says that it is in this cluster and is not",
                "If it was detached it notices soon; try again then.");
        }

        if (!record.HasName(host) && !NodeNames.IsLoopbackName(host) && record.Names.Count < NodeLimits.NamesMax)
        {
            if (snapshot.FindName(host) is { } other)
            {
                throw new CommandException(
                    CommandFailure.Conflict,
                    $"Host: {host}  with uuid: {other.Id} already present in cluster with alias hostname: "
                    + other.Name);
            }

            if (!await members.PutAsync(
                snapshot, record.Id, _ => WithName(record, host), EventTypes.PeerRename, cancellation))
            {
                return null;
            }
        }

        return AlreadyKnown(host, record.ManagementPort);
    }

    /// <summary>The first name is shown: a real one goes before an address.</summary>
    private static NodeRecord WithName(NodeRecord record, string host)
    {
        var isFirst = System.Net.IPAddress.TryParse(record.Name, out _) && !System.Net.IPAddress.TryParse(host, out _);
        return record with { Names = isFirst ? [host, .. record.Names] : [.. record.Names.Append(host)] };
    }
}
