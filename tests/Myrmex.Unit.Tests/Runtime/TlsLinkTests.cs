using System;
using System.IO;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Myrmex.Base;
using Myrmex.Runtime;
using Myrmex.Runtime.Linux;
using Xunit;

namespace Myrmex.Unit.Tests.Runtime;

/// <summary>
/// Goal: TLS links behave like plain ones, and only peers whose certificate comes from the CA get in. Source: the ssl-*
/// options of GlusterFS' transport.socket (chain checked, host name not, common name is the user).
/// </summary>
[Trait("Tier", "unit")]
public sealed class TlsLinkTests : IDisposable
{
    private static readonly DateTimeOffset From = new(2020, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly DateTimeOffset Until = new(2120, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private readonly LinuxRuntime _runtime = new(new LinuxRuntimeOptions { Reactors = 2, Workers = 1, Name = "test" });
    private readonly TestDirectory _directory = new();
    private readonly Recorder _server = new();
    private readonly Recorder _client = new();

    public void Dispose()
    {
        _runtime.Dispose();
        _directory.Dispose();
        Assert.False(_server.WasOffLoop);
        Assert.False(_client.WasOffLoop);
    }

    [Fact]
    public void FramesOfAllSizesComeBackAndBothSidesKnowTheNameOfTheOther()
    {
        using var authority = MakeAuthority("ca");
        var serverFiles = MakeFiles("server.example", authority);
        var clientFiles = MakeFiles("client one", authority);
        _server.Frame = SocketLinkTests.Echo;
        Connect(serverFiles, clientFiles);
        var link = _client.WaitOpen();
        Assert.Equal("server.example", link.PeerName);
        Assert.Equal("client one", _server.WaitOpen().PeerName);
        int[] sizes = [4, 100, 16_384, 65_536, 200_000, 5, 3_000_000];
        for (var i = 0; i < sizes.Length; i++)
        {
            Assert.True(TestFrames.Send(link, TestFrames.Make(sizes[i], i)));
        }

        _client.WaitFrames(sizes.Length);
        for (var i = 0; i < sizes.Length; i++)
        {
            Assert.True(_client.Frames.TryDequeue(out var frame));
            Assert.Equal(TestFrames.Make(sizes[i], i), frame);
        }

        link.Close(Errno.ECANCELED, "enough");
        _client.WaitClosed();
        _server.WaitClosed();
        Assert.Equal((1, 1), (_client.Closes, _server.Closes));
    }

    [Fact]
    public void SelfSignedCertificatesThatBothSidesListAreEnough()
    {
        // The usual GlusterFS set-up: glusterfs.ca is the concatenation of all glusterfs.pem.
        using var one = MakeAuthority("one");
        using var two = MakeAuthority("two");
        var authorities = one.ExportCertificatePem() + "\n" + two.ExportCertificatePem();
        Connect(WriteFiles("one", one, authorities), WriteFiles("two", two, authorities));
        Assert.Equal("one", _client.WaitOpen().PeerName);
        Assert.Equal("two", _server.WaitOpen().PeerName);
    }

    [Fact]
    public void AClientOfAnotherAuthorityIsRefused()
    {
        using var authority = MakeAuthority("ca");
        using var other = MakeAuthority("other");
        var clientFiles = MakeFiles("client", other) with { CaPath = MakeFiles("server", authority).CaPath };
        Connect(MakeFiles("server", authority), clientFiles);
        _client.WaitClosed();
        Assert.Equal(0, _server.Opens);
        Assert.Equal(1, _client.Closes);
    }

    [Fact]
    public void AServerOfAnotherAuthorityIsRefused()
    {
        using var authority = MakeAuthority("ca");
        using var other = MakeAuthority("other");
        Connect(MakeFiles("server", other), MakeFiles("client", authority));
        _client.WaitClosed();
        Assert.Equal(Errno.EACCES, _client.Error);
        Assert.Equal(0, _client.Opens);
        Assert.Equal(0, _server.Opens);
    }

    [Fact]
    public void APeerThatDoesNotSpeakTlsIsRefused()
    {
        using var authority = MakeAuthority("ca");
        var options = TestFrames.Options with { Tls = MakeFiles("server", authority) };
        var listener = _runtime.Network.Listen(new LinkAddress("127.0.0.1", 0), options, _ => _server);
        _runtime.Network.Connect(listener.Address, TestFrames.Options, _client);
        TestFrames.Send(_client.WaitOpen(), TestFrames.Make(100));
        _client.WaitClosed();
        Assert.Equal(0, _server.Opens);
    }

    [Fact]
    public void AListenerThatOffersTlsServesBothKindsOfClients()
    {
        using var authority = MakeAuthority("ca");
        var files = MakeFiles("server", authority);
        var options = TestFrames.Options with { OfferedTls = () => files };
        var listener = _runtime.Network.Listen(new LinkAddress("127.0.0.1", 0), options, _ => _server);
        var plain = new Recorder();
        _runtime.Network.Connect(listener.Address, TestFrames.Options, plain);
        Assert.True(TestFrames.Send(plain.WaitOpen(), TestFrames.Make(100)));
        Assert.False(_server.WaitOpen().IsEncrypted);
        _server.WaitFrames(1);
        var tls = TestFrames.Options with { Tls = MakeFiles("client", authority) };
        _runtime.Network.Connect(listener.Address, tls, _client);
        Assert.Equal("server", _client.WaitOpen().PeerName);
        Assert.True(TestFrames.Send(_client.WaitOpen(), TestFrames.Make(200)));
        _server.WaitFrames(1);
        Assert.True(_server.WaitOpen().IsEncrypted);
    }

    [Fact]
    public void AListenerThatOffersNoTlsNowDropsWhoAsksForIt()
    {
        using var authority = MakeAuthority("ca");
        var options = TestFrames.Options with { OfferedTls = () => null };
        var listener = _runtime.Network.Listen(new LinkAddress("127.0.0.1", 0), options, _ => _server);
        _runtime.Network.Connect(listener.Address, TestFrames.Options with { Tls = MakeFiles("client", authority) }, _client);
        _client.WaitClosed();
        Assert.Equal((0, 0), (_client.Opens, _server.Opens));
    }

    [Fact]
    public void AClientThatSaysNothingToAListenerThatOffersTlsIsGivenUp()
    {
        var options = TestFrames.Options with { OfferedTls = () => null, ConnectTimeoutMs = 50 };
        var listener = _runtime.Network.Listen(new LinkAddress("127.0.0.1", 0), options, _ => _server);
        _runtime.Network.Connect(listener.Address, TestFrames.Options, _client);
        _client.WaitClosed();
        Assert.Equal(0, _server.Opens);
    }

    [Fact]
    public void ASilentPeerIsGivenUpAfterTheConnectTimeout()
    {
        using var authority = MakeAuthority("ca");
        var options = TestFrames.Options with { Tls = MakeFiles("server", authority), ConnectTimeoutMs = 50 };
        var listener = _runtime.Network.Listen(new LinkAddress("127.0.0.1", 0), options, _ => _server);
        _runtime.Network.Connect(listener.Address, TestFrames.Options, _client);
        _client.WaitClosed();
        Assert.Equal(Errno.ENOTCONN, _client.Error);
    }

    [Fact]
    public void MissingCertificateFilesCloseTheLinkWithAReason()
    {
        using var authority = MakeAuthority("ca");
        var files = MakeFiles("server", authority);
        Connect(files, files with { CertificatePath = _directory.File("missing") });
        _client.WaitClosed();
        Assert.Contains("missing", _client.Reason, StringComparison.Ordinal);
    }

    private void Connect(TlsOptions server, TlsOptions client)
    {
        var listener = _runtime.Network.Listen(
            new LinkAddress("127.0.0.1", 0), TestFrames.Options with { Tls = server }, _ => _server);
        _runtime.Network.Connect(listener.Address, TestFrames.Options with { Tls = client }, _client);
    }

    private static X509Certificate2 MakeAuthority(string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=" + name, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        return request.CreateSelfSigned(From, Until);
    }

    private TlsOptions MakeFiles(string name, X509Certificate2 authority)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=" + name, key, HashAlgorithmName.SHA256);
        using var signed = request.Create(authority, From, Until, [1, 2, 3]);
        using var certificate = signed.CopyWithPrivateKey(key);
        return WriteFiles(name, certificate, authority.ExportCertificatePem());
    }

    private TlsOptions WriteFiles(string name, X509Certificate2 certificate, string authorities)
    {
        var options = new TlsOptions(
            _directory.File(name + ".pem"), _directory.File(name + ".key"), _directory.File(name + ".ca"));
        using var key = certificate.GetECDsaPrivateKey()!;
        File.WriteAllText(options.CertificatePath, certificate.ExportCertificatePem());
        File.WriteAllText(options.KeyPath, key.ExportPkcs8PrivateKeyPem());
        File.WriteAllText(options.CaPath, authorities);
        return options;
    }
}
