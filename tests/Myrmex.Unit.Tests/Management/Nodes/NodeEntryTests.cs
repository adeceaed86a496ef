using System;
using System.IO;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Coordination;
using Myrmex.Management;
using Myrmex.Management.Nodes;
using Xunit;

namespace Myrmex.Unit.Tests.Management.Nodes;

/// <summary>What a node does to be known: authority, certificate, files and record, and what a crash leaves of them.</summary>
public sealed class NodeEntryTests : IDisposable
{
    private static readonly NodeFacts Facts = new("host", ["10.0.0.1"], 24007, 24008);

    private readonly SteeredTime _time = new();
    private readonly MemoryStore _store;
    private readonly MemoryStore _local;
    private readonly NodeOptions _options = new()
    {
        WorkingDirectory = Path.Combine(Path.GetTempPath(), $"myrmex-unit-{Guid.NewGuid():N}"),
    };

    public NodeEntryTests()
    {
        _store = new MemoryStore(_time);
        _local = new MemoryStore(_time);
        Directory.CreateDirectory(_options.WorkingDirectory);
    }

    public void Dispose() => Directory.Delete(_options.WorkingDirectory, recursive: true);

    [Fact]
    public async Task FilesAreForOtherProgramsAndTheKeyForTheOwnerOnly()
    {
        var identity = await OpenAsync(_local, _store);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(_options.KeyFile));
        Assert.Equal(identity.Current.Record.Certificate, File.ReadAllText(_options.CertificateFile));
        Assert.Equal(identity.Current.Record.Authority, File.ReadAllText(_options.AuthorityFile));
        Assert.Equal(identity.Current.Record.Key, File.ReadAllText(_options.KeyFile));
        Assert.DoesNotContain(identity.Current.Record.Key, $"{identity.Current.Record}");
        File.Delete(_options.CertificateFile);
        var again = await OpenAsync(_local, _store);
        Assert.Equal(identity.Current.Fingerprint, again.Current.Fingerprint);
        Assert.True(File.Exists(_options.CertificateFile));
    }

    [Fact]
    public async Task CertificateNamesTheNodeForBothSides()
    {
        var current = (await OpenAsync(_local, _store)).Current;
        Assert.Equal(
            Principal.OfNode(current.Id), Certificates.Check(current.Certificate, current.Authority, true, _time));
        Assert.Equal(
            Principal.OfNode(current.Id), Certificates.Check(current.Certificate, current.Authority, false, _time));
        Assert.Superset(
            new[] { "host", "10.0.0.1", "localhost", "127.0.0.1" }.ToHashSet(),
            Certificates.HostsOf(current.Certificate));
    }

    [Fact]
    public async Task CertificatesOfOthersAndExpiredOnesAreNobodys()
    {
        var current = (await OpenAsync(_local, _store)).Current;
        var stranger = TestIdentities.Stranger(_time.Seams, current.Id);
        Assert.Null(Certificates.Check(stranger.Certificate, current.Authority, true, _time));
        Assert.Null(Certificates.Check(current.Certificate, stranger.Authority, true, _time));
        Assert.NotNull(Certificates.Check(stranger.Certificate, stranger.Authority, true, _time));
        _time.Pass(TimeSpan.FromDays(2));
        Assert.Null(Certificates.Check(stranger.Certificate, stranger.Authority, true, _time));
        Assert.NotNull(Certificates.Check(current.Certificate, current.Authority, true, _time));
        _time.Pass(NodeLimits.CertificateLife);
        Assert.Null(Certificates.Check(current.Certificate, current.Authority, true, _time));
    }

    [Theory]
    [InlineData("node:0d8ae3c5-6a5f-4a6b-9a3e-5d5a3c1e2f01", true)]
    [InlineData("admin:ann", true)]
    [InlineData("node:ann", false)]
    [InlineData("admin:", false)]
    [InlineData("admin:a b", false)]
    [InlineData("NODE:0d8ae3c5-6a5f-4a6b-9a3e-5d5a3c1e2f01", false)]
    [InlineData("ann", false)]
    [InlineData(null, false)]
    public void CommonNamesSayWhoItIs(string? name, bool isOne) => Assert.Equal(isOne, Principal.Parse(name) is not null);

    [Fact]
    public async Task NodesThatRaceAgreeOnOneAuthority()
    {
        var made = await Task.WhenAll(Enumerable.Range(0, 8).Select(
            _ => Task.Run(() => ClusterAuthority.EnsureAsync(_store, _time.Seams, CancellationToken.None))));
        Assert.Single(made.Select(a => Certificates.Fingerprint(a.Certificate)).Distinct());
        Assert.Single(made.Select(a => a.Secret).Distinct());
        await _store.DeleteAsync(NodeKeys.AuthorityKey, CancellationToken.None);
        await Assert.ThrowsAsync<StateStoreException>(
            () => ClusterAuthority.EnsureAsync(_store, _time.Seams, CancellationToken.None));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task EntryMayBeCutShortAnywhere(bool after)
    {
        foreach (var (inStore, changes) in new[] { (true, 1), (true, 2), (false, 1), (false, 2), (false, 3) })
        {
            var (local, store) = (new MemoryStore(_time), new MemoryStore(_time));
            var (dyingLocal, dyingStore) = (
                new CrashingStore(local, inStore ? int.MaxValue : changes, after),
                new CrashingStore(store, inStore ? changes : int.MaxValue, after));
            await Assert.ThrowsAsync<StateStoreException>(() => OpenAsync(dyingLocal, dyingStore));
            var identity = await OpenAsync(local, store);
            var record = Assert.Single((await new MemberChanges(store).ReadAsync(CancellationToken.None)).Nodes);
            Assert.Equal(identity.Current.Fingerprint, record.Fingerprint);
            Assert.Equal(identity.Current.Id, record.Id);
            Assert.True(identity.Current.Record.IsEntered);
        }
    }

    [Fact]
    public async Task CertificateIsRenewedInTimeAndWithTheSameKey()
    {
        var before = (await OpenAsync(_local, _store)).Current;
        _time.Pass(NodeLimits.CertificateLife - NodeLimits.RenewBefore - TimeSpan.FromDays(1));
        Assert.Equal(before.Fingerprint, (await OpenAsync(_local, _store)).Current.Fingerprint);
        _time.Pass(TimeSpan.FromDays(2));
        var after = (await OpenAsync(_local, _store)).Current;
        Assert.NotEqual(before.Fingerprint, after.Fingerprint);
        Assert.Equal(before.Record.Key, after.Record.Key);
        var record = Assert.Single((await new MemberChanges(_store).ReadAsync(CancellationToken.None)).Nodes);
        Assert.Equal(after.Fingerprint, record.Fingerprint);
        Assert.Null(record.NextFingerprint);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task RenewalMayBeCutShortAnywhereAndTheNodeIsNeverNobody(bool after)
    {
        await OpenAsync(_local, _store);
        for (var step = 1; step <= 4; step++)
        {
            var (inStore, changes) = step switch { 1 => (true, 1), 2 => (true, 2), 3 => (false, 1), _ => (true, 3) };
            var facts = Facts with { Addresses = [$"10.1.{(after ? 1 : 0)}.{step}"] };
            var dyingLocal = new CrashingStore(_local, inStore ? int.MaxValue : changes, after);
            var dyingStore = new CrashingStore(_store, inStore ? changes : int.MaxValue, after);
            await Assert.ThrowsAsync<StateStoreException>(() => OpenAsync(dyingLocal, dyingStore, facts));

            var shown = (await NodeIdentity.LoadAsync(_options, _local, CancellationToken.None))!.Current.Fingerprint;
            var record = Assert.Single((await new MemberChanges(_store).ReadAsync(CancellationToken.None)).Nodes);
            Assert.Contains(shown, new[] { record.Fingerprint, record.NextFingerprint });

            var current = (await OpenAsync(_local, _store, facts)).Current;
            Assert.Contains(facts.Addresses[0], Certificates.HostsOf(current.Certificate));
            record = Assert.Single((await new MemberChanges(_store).ReadAsync(CancellationToken.None)).Nodes);
            Assert.Equal(current.Fingerprint, record.Fingerprint);
            Assert.Null(record.NextFingerprint);
        }
    }

    [Fact]
    public async Task MemberWhoseRecordHasGoneLeaves()
    {
        var before = (await OpenAsync(_local, _store)).Current;
        await _store.DeleteAsync(NodeKeys.Node(before.Id), CancellationToken.None);
        await Assert.ThrowsAsync<NodeDetachedException>(() => OpenAsync(_local, _store));
        Assert.False(File.Exists(_options.KeyFile));
        var alone = (await OpenAsync(_local, _local)).Current;
        Assert.NotEqual(before.Id, alone.Id);
        Assert.NotEqual(before.Record.Key, alone.Record.Key);
    }

    [Fact]
    public async Task StoreOfAnotherClusterIsRefused()
    {
        await OpenAsync(_local, _store);
        var wrong = new MemoryStore(_time);
        var refused = await Assert.ThrowsAsync<StateStoreException>(() => OpenAsync(_local, wrong));
        Assert.Contains("the state store is empty", refused.Message);
        Assert.Empty(await wrong.RangeAsync(KeyRange.All, CancellationToken.None));
        await ClusterAuthority.EnsureAsync(wrong, _time.Seams, CancellationToken.None);
        refused = await Assert.ThrowsAsync<StateStoreException>(() => OpenAsync(_local, wrong));
        Assert.Contains("the state store is that of the cluster", refused.Message);
    }

    [Fact]
    public async Task NodeThatWasAloneMayBeGivenAStoreElsewhere()
    {
        var alone = (await OpenAsync(_local, _local)).Current;
        var given = (await OpenAsync(_local, _store)).Current;
        Assert.Equal(alone.Id, given.Id);
        Assert.NotEqual(alone.ClusterId, given.ClusterId);
    }

    [Fact]
    public void OnlyKeysOfOurKindAreSigned()
    {
        using var key = System.Security.Cryptography.RSA.Create(2048);
        var request = new System.Security.Cryptography.X509Certificates.CertificateRequest(
            "CN=x", key, System.Security.Cryptography.HashAlgorithmName.SHA256,
            System.Security.Cryptography.RSASignaturePadding.Pkcs1).CreateSigningRequestPem();
        Assert.Throws<CommandException>(() => Certificates.KeyOf(request));
        Assert.Throws<CommandException>(() => Certificates.KeyOf("nothing"));
        using var large = System.Security.Cryptography.ECDsa.Create(
            System.Security.Cryptography.ECCurve.NamedCurves.nistP384);
        Assert.Throws<CommandException>(() => Certificates.KeyOf(Certificates.Request(large, Principal.OfAdministrator("a"))));
    }

    [Theory]
    [InlineData("h", "h", 0)]
    [InlineData("h.example:1", "h.example", 1)]
    [InlineData("10.0.0.1:65535", "10.0.0.1", 65535)]
    [InlineData("fe80::1", "fe80::1", 0)]
    [InlineData("[fe80::1]:7", "fe80::1", 7)]
    public void AddressesAreHostAndPort(string text, string host, int port) =>
        Assert.Equal(new PeerAddress(host, port), PeerAddress.Parse(text));

    private Task<NodeIdentity> OpenAsync(IStateStore local, IStateStore store, NodeFacts? facts = null) =>
        new NodeEntry(_options, local, store, new MemberChanges(store), _time.Seams)
            .OpenAsync(facts ?? Facts, CancellationToken.None);
}
