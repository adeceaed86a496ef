using System;
using System.Diagnostics;
using System.IO;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Coordination;
using Myrmex.Coordination.Etcd;
using Myrmex.Interop.Tests.Kit;
using Xunit;

namespace Myrmex.Interop.Tests.Etcd;

/// <summary>TLS and authentication: what is refused says what to do, and a token that ended is renewed.</summary>
public sealed class EtcdSecurityTests(SecuredMember servers) : IClassFixture<SecuredMember>
{
    private static readonly CancellationToken Forever = CancellationToken.None;

    [InteropFact(Need.Etcd | Need.OpenSsl)]
    public async Task ATokenThatEtcdForgotIsRenewedAndWatchesGoOn()
    {
        await using var store = Open(o => o);
        var first = await store.PutAsync("w/1", Bytes("a"), Forever);
        await using var watch = store.WatchAsync(KeyRange.Prefix("w/"), first, Forever).GetAsyncEnumerator();
        Assert.True(await watch.MoveNextAsync());
        servers.Members.Kill(0); // Tokens are in its memory only.
        servers.Members.Start(0);
        var second = await store.PutAsync("w/2", Bytes("b"), Forever);
        Assert.True(await watch.MoveNextAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(20)));
        Assert.Equal(second, watch.Current.Revision);
        var lease = await store.GrantLeaseAsync(10, Forever);
        Assert.True(await store.KeepLeaseAliveAsync(lease, Forever));
        await store.RevokeLeaseAsync(lease, Forever);
    }

    [InteropFact(Need.Etcd | Need.OpenSsl)]
    public async Task AWrongPasswordIsRefusedWithItsOption() => await RefusedAsync(
        o => o with { Password = "wrong" }, "does not take the password of user myrmex", "--etcd-password-file");

    [InteropFact(Need.Etcd | Need.OpenSsl)]
    public async Task AnUnknownUserIsRefused() => await RefusedAsync(
        o => o with { User = "nobody" }, "does not take the password of user nobody");

    [InteropFact(Need.Etcd | Need.OpenSsl)]
    public async Task AForeignPrefixIsRefusedWithTheGrantThatIsMissing()
    {
        const string Grant = "etcdctl role grant-permission ROLE --prefix=true readwrite /elsewhere/";
        await RefusedAsync(o => o with { Prefix = "/elsewhere/" }, Grant);
        await using var store = Open(o => o with { Prefix = "/elsewhere/" });
        var e = await Assert.ThrowsAsync<StateStoreException>(async () =>
        {
            await foreach (var _ in store.WatchAsync(KeyRange.All, Revision.None, Forever))
            {
            }
        });
        Assert.Contains(Grant, e.Message);
    }

    [InteropFact(Need.Etcd | Need.OpenSsl)]
    public async Task AnUnknownAuthorityIsRefused()
    {
        await RefusedAsync(o => o with { CaFile = null }, "is not trusted", "--etcd-ca");
        await RefusedAsync(o => o with { CaFile = $"{servers.Members.TlsDirectory}/other.crt" }, "is not trusted");
    }

    [InteropFact(Need.Etcd | Need.OpenSsl)]
    public async Task WithoutAClientCertificateNothingIsServed()
    {
        await using var store = Open(o => o with { CertificateFile = null, KeyFile = null });
        await Assert.ThrowsAnyAsync<StateStoreException>(() => store.GetAsync("a", Forever));
    }

    /// <summary>
    /// The authority is another one from one moment to the next: etcd is started anew with the new one, and takes only
    /// what that has signed.
    /// </summary>
    [InteropFact(Need.Etcd | Need.OpenSsl)]
    public async Task RenewedCertificatesAreInUseWithoutOpeningTheStoreAgain()
    {
        using var directory = new TestDirectory("etcd-renewal");
        var address = Addresses.NextLoopback();
        using var members = new EtcdMembers(directory, 1, new EtcdCertificates(directory, [address]), [address]);
        var tls = members.TlsDirectory;
        var own = directory.Make("own");
        Copy("ca.crt", "client.crt", "client.key");
        await using var store = EtcdStore.Open(
            new EtcdOptions
            {
                Endpoints = EtcdOptions.ParseEndpoints(members.Endpoints, tls: true),
                CaFile = $"{own}/ca.crt",
                CertificateFile = $"{own}/client.crt",
                KeyFile = $"{own}/client.key",
                RequestTimeout = TimeSpan.FromSeconds(3),
            },
            servers.Runtime.Seams);
        var first = await store.PutAsync("w/1", Bytes("a"), Forever);
        await using var watch = store.WatchAsync(KeyRange.Prefix("w/"), first, Forever).GetAsyncEnumerator();
        Assert.True(await watch.MoveNextAsync());

        members.Kill(0);
        _ = new EtcdCertificates(directory, [address]); // In the place of the former ones.
        members.Start(0);
        await Assert.ThrowsAnyAsync<StateStoreException>(() => store.GetAsync("w/1", Forever));

        // A certificate without its key is not used; nothing throws but what is refused.
        Copy("client.crt");
        await Task.Delay(TimeSpan.FromSeconds(3));
        await Assert.ThrowsAnyAsync<StateStoreException>(() => store.GetAsync("w/1", Forever));
        Copy("ca.crt", "client.key");
        await UntilAsync(works: true);
        var second = await store.PutAsync("w/2", Bytes("b"), Forever);
        Assert.True(await watch.MoveNextAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(20)));
        Assert.Equal(second, watch.Current.Revision);

        // One that works, and others are put there that do not: those are used too.
        File.Copy($"{tls}/other.crt", $"{own}/client.crt", overwrite: true);
        File.Copy($"{tls}/other.key", $"{own}/client.key", overwrite: true);
        await UntilAsync(works: false);
        Copy("client.crt", "client.key");
        await UntilAsync(works: true);

        void Copy(params string[] names)
        {
            foreach (var name in names)
            {
                File.Copy($"{tls}/{name}", $"{own}/{name}", overwrite: true);
            }
        }

        async Task UntilAsync(bool works)
        {
            var clock = Stopwatch.StartNew();
            while (works != await Record.ExceptionAsync(() => store.GetAsync("w/1", Forever)) is null)
            {
                Assert.True(clock.Elapsed < TimeSpan.FromSeconds(20), "the changed certificates are not in use");
                await Task.Delay(100);
            }
        }
    }

    [InteropFact(Need.Etcd | Need.OpenSsl)]
    public void FilesThatCannotBeUsedAreRefusedByName()
    {
        var tls = servers.Members.TlsDirectory;
        Assert.Contains("/none.crt does not exist", Refusal(o => o with { CaFile = "/none.crt" }));
        Assert.Contains($"{tls}/client.key has no certificate", Refusal(o => o with { CaFile = $"{tls}/client.key" }));
        Assert.Contains("needs both", Refusal(o => o with { KeyFile = null }));
        Assert.Contains("cannot be read as certificate", Refusal(o => o with { KeyFile = $"{tls}/ca.crt" }));
        Assert.Contains("cannot be a prefix", Refusal(o => o with { Prefix = "no slash" }));
    }

    private static ReadOnlyMemory<byte> Bytes(string text) => Encoding.UTF8.GetBytes(text);

    private EtcdStore Open(Func<EtcdOptions, EtcdOptions> change) =>
        EtcdStore.Open(change(servers.Options(servers.NextPrefix())), servers.Runtime.Seams);

    private string Refusal(Func<EtcdOptions, EtcdOptions> change) =>
        Assert.Throws<StateStoreException>(() => Open(change)).Message;

    private async Task RefusedAsync(Func<EtcdOptions, EtcdOptions> change, params string[] words)
    {
        await using var store = Open(change);
        var e = await Assert.ThrowsAnyAsync<StateStoreException>(() => store.PutAsync("a", Bytes("x"), Forever));
        Assert.All(words, word => Assert.Contains(word, e.Message));
        await Assert.ThrowsAnyAsync<StateStoreException>(() => store.GetAsync("a", Forever));
    }
}
