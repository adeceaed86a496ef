using System;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Coordination;
using Myrmex.Coordination.Etcd;
using Myrmex.Interop.Tests.Kit;
using Myrmex.Runtime.Linux;
using Myrmex.Unit.Tests.Coordination;
using Xunit;

namespace Myrmex.Interop.Tests.Etcd;

/// <summary>Servers for a whole class of contract tests, started at the first test.</summary>
public abstract class EtcdContractServers : IDisposable
{
    private readonly TestDirectory _directory;
    private readonly Lazy<EtcdMembers> _members;
    private readonly Lazy<LinuxRuntime> _runtime = new(() => new LinuxRuntime(new LinuxRuntimeOptions { Reactors = 1, Workers = 1 }));
    private int _prefixes;

    private protected EtcdContractServers(string name, Func<TestDirectory, EtcdMembers> start)
    {
        _directory = new TestDirectory(name);
        _members = new(() => _directory.Own(start(_directory)));
    }

    internal EtcdMembers Members => _members.Value;

    internal LinuxRuntime Runtime => _runtime.Value;

    /// <summary>A prefix for one test, so that each begins with an empty store.</summary>
    public string NextPrefix() => $"/contract/{Interlocked.Increment(ref _prefixes)}/";

    internal abstract EtcdOptions Options(string prefix);

    public void Dispose()
    {
        _directory.Dispose();
        if (_runtime.IsValueCreated)
        {
            _runtime.Value.Dispose();
        }

        GC.SuppressFinalize(this);
    }
}

public sealed class OneMember() : EtcdContractServers("etcd-one", directory => new EtcdMembers(directory, 1))
{
    internal override EtcdOptions Options(string prefix) => new()
    {
        Endpoints = EtcdOptions.ParseEndpoints(Members.Endpoints, tls: false),
        Prefix = prefix,
    };
}

public sealed class ThreeMembers() : EtcdContractServers("etcd-three", directory => new EtcdMembers(directory, 3))
{
    internal override EtcdOptions Options(string prefix) => new()
    {
        Endpoints = EtcdOptions.ParseEndpoints(Members.Endpoints, tls: false),
        Prefix = prefix,
    };
}

/// <summary>One member with TLS, client certificates and authentication; the user may use the prefix /contract/ alone.</summary>
public sealed class SecuredMember() : EtcdContractServers("etcd-secured", Start)
{
    internal static EtcdMembers Start(TestDirectory directory)
    {
        // The certificate must name the address before the member starts.
        var address = Addresses.NextLoopback();
        var members = new EtcdMembers(directory, 1, new EtcdCertificates(directory, [address]), [address]);
        members.Ctl("user", "add", "root:rootpw");
        members.Ctl("user", "grant-role", "root", "root");
        members.Ctl("role", "add", "myrmex");
        members.Ctl("role", "grant-permission", "myrmex", "--prefix=true", "readwrite", "/contract/");
        members.Ctl("user", "add", "myrmex:secret");
        members.Ctl("user", "grant-role", "myrmex", "myrmex");
        members.Ctl("auth", "enable");
        members.Credentials = ["--user=root:rootpw"];
        return members;
    }

    internal override EtcdOptions Options(string prefix)
    {
        var tls = Members.TlsDirectory;
        return new()
        {
            Endpoints = EtcdOptions.ParseEndpoints(Members.Endpoints, tls: true),
            Prefix = prefix,
            CaFile = $"{tls}/ca.crt",
            CertificateFile = $"{tls}/client.crt",
            KeyFile = $"{tls}/client.key",
            User = "myrmex",
            Password = "secret",
        };
    }
}

/// <summary>The contract of state stores on a real etcd.</summary>
public abstract class EtcdContract(EtcdContractServers servers) : StateStoreContract
{
    private readonly string _prefix = servers.NextPrefix();

    /// <summary>A busy disk may hold up a call for more than a second; etcd makes leases below 2 s longer.</summary>
    protected override long LeaseSeconds => 5;

    [InteropFact(Need.Etcd | Need.OpenSsl)]
    public async Task OtherPrefixesAreNotSeenAndNotTouched()
    {
        await using var other = EtcdStore.Open(servers.Options(servers.NextPrefix()), servers.Runtime.Seams);
        await Store.PutAsync("a", Bytes("mine"), Forever);
        await other.PutAsync("a", Bytes("theirs"), Forever);
        var entries = await Store.RangeAsync(KeyRange.All, Forever);
        Assert.Equal("mine", Text(Assert.Single(entries)));
        await Store.CommitAsync(StateTransaction.Always(new Operation.Delete(KeyRange.All)), Forever);
        Assert.NotNull(await other.GetAsync("a", Forever));
    }

    protected override Task<IStateStore> OpenAsync() =>
        Task.FromResult<IStateStore>(EtcdStore.Open(servers.Options(_prefix), servers.Runtime.Seams));

    protected override Task PassAsync(long milliseconds) => Task.Delay(TimeSpan.FromMilliseconds(milliseconds));

    protected override async Task CompactAsync()
    {
        var revision = await Store.PutAsync("newest", Bytes(""), Forever);
        servers.Members.Ctl("compact", revision.ToString());
    }
}

/// <inheritdoc cref="EtcdContract"/>
public sealed class EtcdOneMemberContractTests(OneMember servers) : EtcdContract(servers), IClassFixture<OneMember>;

/// <inheritdoc cref="EtcdContract"/>
public sealed class EtcdThreeMemberContractTests(ThreeMembers servers) : EtcdContract(servers), IClassFixture<ThreeMembers>;

/// <inheritdoc cref="EtcdContract"/>
public sealed class EtcdSecuredContractTests(SecuredMember servers) : EtcdContract(servers), IClassFixture<SecuredMember>;
