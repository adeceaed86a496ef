using System;
using System.Collections.Generic;
using System.IO;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Coordination;
using Myrmex.Management;
using Myrmex.Management.Nodes;
using Xunit;

namespace Myrmex.Unit.Tests.Management.Nodes;

/// <summary>
/// The called side of joins without connections: what each message is worth when it comes from the wrong side, twice, late
/// or in the wrong order.
/// </summary>
public sealed class JoinHandshakeTests : IDisposable
{
    private const string Caller = "caller";
    private const string Nonce = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

    private readonly SteeredTime _time = new();
    private readonly NodeOptions _options = new()
    {
        WorkingDirectory = Path.Combine(Path.GetTempPath(), $"myrmex-unit-{Guid.NewGuid():N}"),
    };

    public JoinHandshakeTests() => Directory.CreateDirectory(_options.WorkingDirectory);

    public void Dispose() => Directory.Delete(_options.WorkingDirectory, recursive: true);

    [Fact]
    public async Task EveryStepIsTakenOnce()
    {
        var node = await StartAsync();
        var (step, _) = await BeginAsync(node);
        await node.Service.RequestAsync(step, Caller);
        await RefusedAsync(() => node.Service.RequestAsync(step, Caller));
        _time.Pass(TimeSpan.FromMilliseconds(NodeLimits.ClaimMs + 1));
        (step, _) = await BeginAsync(node);
        await RefusedAsync(() => node.Service.OfferAsync(step, Caller, CancellationToken.None));
    }

    [Fact]
    public async Task StepsAreOfTheSideThatBegan()
    {
        var node = await StartAsync();
        var (step, _) = await BeginAsync(node);
        await RefusedAsync(() => node.Service.RequestAsync(step, "another"));
        await RefusedAsync(() => node.Service.RequestAsync(step with { Nonce = Nonce }, Caller));
        await RefusedAsync(() => node.Service.PreparedAsync(step, Caller, CancellationToken.None));
        await node.Service.RequestAsync(step, Caller);
    }

    [Fact]
    public async Task ProofsAreNotSentBack()
    {
        var node = await StartAsync();
        var (step, greeting) = await BeginAsync(node);
        await RefusedAsync(() => node.Service.RequestAsync(step with { Proof = greeting.Proof }, Caller));
        await RefusedAsync(() => node.Service.RequestAsync(step with { Proof = null }, Caller));
        await RefusedAsync(() => node.Service.RequestAsync(step with { Proof = string.Empty }, Caller));
    }

    [Fact]
    public async Task ProofOfAnotherHandshakeIsWorthNothing()
    {
        var node = await StartAsync();
        var (first, _) = await BeginAsync(node);
        var (second, _) = await BeginAsync(node);
        await RefusedAsync(() => node.Service.RequestAsync(second with { Proof = first.Proof }, Caller));
    }

    [Fact]
    public async Task LateStepsAreRefused()
    {
        var node = await StartAsync();
        var (step, _) = await BeginAsync(node);
        _time.Pass(TimeSpan.FromMilliseconds(NodeLimits.HandshakeMs + 1));
        await RefusedAsync(() => node.Service.RequestAsync(step, Caller));
    }

    [Fact]
    public async Task OneMemberAtATimeTakesTheNodeIn()
    {
        var node = await StartAsync();
        var (first, _) = await BeginAsync(node);
        var (second, _) = await BeginAsync(node);
        await node.Service.RequestAsync(first, Caller);
        var refused = await Assert.ThrowsAsync<CommandException>(() => node.Service.RequestAsync(second, Caller));
        Assert.StartsWith("another member is taking the node in", refused.Message);
        _time.Pass(TimeSpan.FromMilliseconds(NodeLimits.ClaimMs + 1));
        await node.Service.RequestAsync(second, Caller);
        refused = await Assert.ThrowsAsync<CommandException>(
            () => node.Service.OfferAsync(first, Caller, CancellationToken.None));
        Assert.StartsWith("another member is taking the node in", refused.Message);
    }

    [Fact]
    public async Task ManyBeginningsPushOutTheOldest()
    {
        var node = await StartAsync();
        var (oldest, _) = await BeginAsync(node);
        for (var i = 0; i < NodeLimits.HandshakesMax - 1; i++)
        {
            await BeginAsync(node);
        }

        var (newest, _) = await BeginAsync(node);
        await RefusedAsync(() => node.Service.RequestAsync(oldest, Caller));
        await node.Service.RequestAsync(newest, Caller);
    }

    [Fact]
    public async Task OffersForOthersAreRefused()
    {
        var node = await StartAsync();
        var stranger = TestIdentities.Stranger(_time.Seams, node.Identity.Current.Id);
        foreach (var (authority, certificate) in new[]
        {
            (stranger.Record.Authority, stranger.Record.Certificate), // Another authority, another key.
            (node.Authority.CertificatePem, stranger.Record.Certificate),
            (node.Authority.CertificatePem, node.Identity.Current.Record.Certificate), // The former key.
            (node.Authority.CertificatePem, "no certificate"),
        })
        {
            var (step, _) = await BeginAsync(node);
            await node.Service.RequestAsync(step, Caller);
            var offer = new JoinOffer("id", certificate, authority, "{}", []);
            await Assert.ThrowsAsync<CommandException>(
                () => node.Service.OfferAsync(step with { Offer = offer }, Caller, CancellationToken.None));
            Assert.Null(await node.Local.GetAsync(NodeKeys.LocalJoin, CancellationToken.None));
        }
    }

    [Fact]
    public async Task ConfirmationOfWhatWasNotTakenIsRefused()
    {
        var node = await StartAsync();
        var (step, _) = await BeginAsync(node);
        await Assert.ThrowsAsync<CommandException>(
            () => node.Service.ConfirmAsync(step with { Confirmed = "ff" }, Caller, CancellationToken.None));
    }

    [Fact]
    public void ProofsDifferInEveryPart()
    {
        var token = new JoinToken(new byte[32], new string('0', 64));
        var other = new JoinToken([.. new byte[31], 1], new string('0', 64));
        var seen = new JoinProof("a", "b", "c", "d");
        var proofs = new HashSet<string>
        {
            seen.Make(other, JoinRole.ProbedNode),
            (seen with { Caller = "x" }).Make(token, JoinRole.ProbedNode),
            (seen with { Callee = "x" }).Make(token, JoinRole.ProbedNode),
            (seen with { CallerNonce = "x" }).Make(token, JoinRole.ProbedNode),
            (seen with { CalleeNonce = "x" }).Make(token, JoinRole.ProbedNode),
        };
        foreach (var role in Enum.GetValues<JoinRole>())
        {
            proofs.Add(seen.Make(token, role));
        }

        Assert.Equal(9, proofs.Count);
        Assert.True(seen.Holds(token, JoinRole.ProbedNode, seen.Make(token, JoinRole.ProbedNode)));
    }

    private static async Task RefusedAsync<T>(Func<Task<T>> step)
    {
        var refused = await Assert.ThrowsAsync<CommandException>(async () => await step());
        Assert.StartsWith("the join is refused", refused.Message);
    }

    /// <summary>A handshake up to the right proof of a member.</summary>
    private static async Task<(JoinStep Step, JoinGreeting Greeting)> BeginAsync(Node node)
    {
        var greeting = await node.Service.HelloAsync(
            new JoinHello(JoinHello.CurrentVersion, Nonce, IsProbe: true), Caller, CancellationToken.None);
        var seen = new JoinProof(Caller, node.Identity.Current.Fingerprint, Nonce, greeting.Nonce);
        Assert.True(seen.Holds(node.Token, JoinRole.ProbedNode, greeting.Proof));
        return (new JoinStep(greeting.Nonce, seen.Make(node.Token, JoinRole.ProbingMember)), greeting);
    }

    private async Task<Node> StartAsync()
    {
        var local = new MemoryStore(_time);
        var cluster = new MemoryStore(_time);
        var authority = await ClusterAuthority.EnsureAsync(cluster, _time.Seams, CancellationToken.None);
        await File.WriteAllTextAsync(_options.TokenFile, authority.Token.ToText());
        var members = new MemberChanges(local);
        var facts = new NodeFacts("host", ["127.77.1.9"], 24007, 24008);
        var identity = await new NodeEntry(_options, local, local, members, _time.Seams)
            .OpenAsync(facts, CancellationToken.None);
        var service = new JoinService(
            _options, identity, new JoiningNode(_options, local, local, identity, _time.Seams),
            new AdmittingMember(local, members, (_, _) => Task.FromResult("{}"), _time.Seams), local, () => facts,
            _time.Seams);
        return new Node(service, identity, authority, local);
    }

    private sealed record Node(
        JoinService Service, NodeIdentity Identity, ClusterAuthority Authority, MemoryStore Local)
    {
        public JoinToken Token => Authority.Token;
    }
}
