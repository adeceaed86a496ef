using System;
using System.IO;
using System.Linq;
using System.Net.Http;
using System.Net.Sockets;
using Grpc.Core;
using Myrmex.Coordination.Etcd;
using Xunit;

namespace Myrmex.Unit.Tests.Coordination;

/// <summary>
/// What an error of etcd means for a change that was under way. Wrongly "certainly not made" would be a change made twice.
/// </summary>
public sealed class EtcdErrorsTests
{
    [Theory]
    [InlineData(StatusCode.Unavailable, "etcdserver: no leader", "NotDone")]
    [InlineData(StatusCode.Unavailable, "Error connecting to subchannel.", "NotDone")]
    [InlineData(StatusCode.Unavailable, "etcdserver: leader changed", "Unknown")]
    [InlineData(StatusCode.Unavailable, "etcdserver: request timed out", "Unknown")]
    [InlineData(StatusCode.Unavailable, "etcdserver: request timed out, possibly due to previous leader failure", "Unknown")]
    [InlineData(StatusCode.Unavailable, "etcdserver: server stopped", "Unknown")]
    [InlineData(StatusCode.Unavailable, "Error starting gRPC call.", "Unknown")]
    [InlineData(StatusCode.DeadlineExceeded, "", "Unknown")]
    [InlineData(StatusCode.Cancelled, "", "Unknown")]
    [InlineData(StatusCode.Internal, "", "Unknown")]
    [InlineData(StatusCode.Unknown, "", "Unknown")]
    [InlineData(StatusCode.ResourceExhausted, "etcdserver: too many requests", "NotDone")]
    [InlineData(StatusCode.ResourceExhausted, "etcdserver: mvcc: database space exceeded", "Refused")]
    [InlineData(StatusCode.ResourceExhausted, "message larger than max", "Unknown")]
    [InlineData(StatusCode.Unauthenticated, "etcdserver: invalid auth token", "TokenRefused")]
    [InlineData(StatusCode.InvalidArgument, "etcdserver: revision of auth store is old", "TokenRefused")]
    [InlineData(StatusCode.InvalidArgument, "etcdserver: duplicate key given in txn request", "Refused")]
    [InlineData(StatusCode.PermissionDenied, "etcdserver: permission denied", "Refused")]
    [InlineData(StatusCode.NotFound, "etcdserver: requested lease not found", "Refused")]
    public void TheVerdictFollowsTheError(StatusCode code, string detail, string verdict) =>
        Assert.Equal(verdict, EtcdErrors.Judge(new RpcException(new Status(code, detail))).ToString());

    [Fact]
    public void OnlyAConnectionThatWasNeverMadeProvesThatNothingWasSent()
    {
        var refused = new SocketException((int)SocketError.ConnectionRefused);
        Assert.Equal(EtcdVerdict.NotDone, Judge(new HttpRequestException(HttpRequestError.ConnectionError, "", refused)));
        Assert.Equal(EtcdVerdict.NotDone, Judge(new HttpRequestException(HttpRequestError.NameResolutionError, "", refused)));
        var reset = new SocketException((int)SocketError.ConnectionReset);
        Assert.Equal(EtcdVerdict.Unknown, Judge(new HttpRequestException(HttpRequestError.Unknown, "", new IOException("", reset))));
        Assert.Equal(EtcdVerdict.Unknown, Judge(new HttpRequestException(HttpRequestError.ResponseEnded, "", new IOException("", reset))));
        Assert.Equal(EtcdVerdict.Unknown, Judge(new HttpRequestException(HttpRequestError.ConnectionError, "", new TimeoutException())));
        Assert.Equal(EtcdVerdict.Unknown, Judge(new IOException("", reset)));
    }

    [Theory]
    [InlineData("a", "http://a:2379/")]
    [InlineData("a:1,b:80 , https://c", "http://a:1/ http://b/ https://c:2379/")]
    [InlineData("https://c:443", "https://c/")]
    [InlineData("[::1]:99", "http://[::1]:99/")]
    public void AddressesMayBeShort(string text, string expected) =>
        Assert.Equal(expected, string.Join(' ', EtcdOptions.ParseEndpoints(text, tls: false).Select(u => u.ToString())));

    [Theory]
    [InlineData("")]
    [InlineData(" , ")]
    [InlineData("a b")]
    [InlineData("ftp://a")]
    [InlineData("http://a/path")]
    [InlineData("http://user@a")]
    public void WhatIsNoAddressIsRefused(string text) =>
        Assert.Throws<FormatException>(() => EtcdOptions.ParseEndpoints(text, tls: false));

    [Fact]
    public void WithACertificateAddressesAreSecure() =>
        Assert.Equal("https://a:2379/", EtcdOptions.ParseEndpoints("a", tls: true)[0].ToString());

    private static EtcdVerdict Judge(Exception cause) =>
        EtcdErrors.Judge(new RpcException(new Status(StatusCode.Unavailable, "Error starting gRPC call.", cause)));
}
