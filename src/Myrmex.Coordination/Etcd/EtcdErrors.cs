using System;
using System.Net.Http;
using System.Net.Sockets;
using System.Security.Authentication;
using Grpc.Core;

namespace Myrmex.Coordination.Etcd;

/// <summary>What a failed call means for who made it.</summary>
internal enum EtcdVerdict
{
    /// <summary>It may or may not have taken effect; another member may do better.</summary>
    Unknown,

    /// <summary>It certainly has not taken effect; another member, or the same one later, may do better.</summary>
    NotDone,

    /// <summary>It certainly has not taken effect, because the token of the user is no longer taken.</summary>
    TokenRefused,

    /// <summary>It certainly has not taken effect and will not when it is tried again.</summary>
    Refused,
}

/// <summary>
/// etcd's errors in our words. Only errors that etcd gives before it proposes a change, or while it decides not to
/// apply it, count as "certainly not"; everything else is unknown.
/// </summary>
internal static class EtcdErrors
{
    /// <summary>
    /// Detail of the error that stands for a login without an answer: the call behind it was not sent.
    /// </summary>
    public const string NoLogin = "no answer to the login";

    private const string NoConnection = "Error connecting to subchannel";

    public static EtcdVerdict Judge(RpcException e)
    {
        var detail = e.Status.Detail;
        if (detail.Contains("not supported for learner", StringComparison.Ordinal))
        {
            return EtcdVerdict.NotDone; // Another member is no learner.
        }

        switch (e.StatusCode)
        {
            case StatusCode.Unavailable:
                return detail.Contains("etcdserver: no leader", StringComparison.Ordinal) || detail == NoLogin
                    || NeverConnected(e) ? EtcdVerdict.NotDone : EtcdVerdict.Unknown;
            case StatusCode.ResourceExhausted:
                return detail.Contains("too many requests", StringComparison.Ordinal) ? EtcdVerdict.NotDone
                    : detail.Contains("database space exceeded", StringComparison.Ordinal) ? EtcdVerdict.Refused
                    : EtcdVerdict.Unknown;
            case StatusCode.Unauthenticated:
                return EtcdVerdict.TokenRefused;
            case StatusCode.InvalidArgument when detail.Contains("auth store is old", StringComparison.Ordinal):
                return EtcdVerdict.TokenRefused;
            case StatusCode.InvalidArgument:
            case StatusCode.NotFound:
            case StatusCode.OutOfRange:
            case StatusCode.PermissionDenied:
            case StatusCode.FailedPrecondition:
            case StatusCode.Unimplemented:
                return EtcdVerdict.Refused;
            default:
                return EtcdVerdict.Unknown;
        }
    }

    public static bool IsLeaseNotFound(RpcException e) =>
        e.StatusCode == StatusCode.NotFound && e.Status.Detail.Contains("lease not found", StringComparison.Ordinal);

    public static bool IsLeaseKnown(RpcException e) =>
        e.StatusCode == StatusCode.FailedPrecondition
        && e.Status.Detail.Contains("lease already exists", StringComparison.Ordinal);

    public static bool IsCompacted(RpcException e) =>
        e.StatusCode == StatusCode.OutOfRange && e.Status.Detail.Contains("compacted", StringComparison.Ordinal);

    public static bool IsAuthOff(RpcException e) =>
        e.StatusCode == StatusCode.FailedPrecondition
        && e.Status.Detail.Contains("authentication is not enabled", StringComparison.Ordinal);

    /// <summary>A learner that is to vote has not all data yet, or has not been heard of.</summary>
    public static bool IsLearnerBehind(RpcException e) =>
        e.StatusCode == StatusCode.FailedPrecondition
        && e.Status.Detail.Contains("in sync with leader", StringComparison.Ordinal);

    /// <summary>A member that is to vote does so already.</summary>
    public static bool IsNoLearner(RpcException e) =>
        e.StatusCode == StatusCode.FailedPrecondition
        && e.Status.Detail.Contains("can only promote a learner member", StringComparison.Ordinal)
        && !IsLearnerBehind(e);

    /// <summary>TLS was refused by this side or the other.</summary>
    public static bool IsTrust(RpcException e)
    {
        for (Exception? cause = e.Status.DebugException; cause is not null; cause = cause.InnerException)
        {
            if (cause is AuthenticationException)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Why, and what to do about it.</summary>
    public static string Advice(RpcException e, EtcdOptions options, Uri endpoint)
    {
        var detail = e.Status.Detail;
        return e.StatusCode switch
        {
            _ when IsTrust(e) => $"the certificate of etcd at {endpoint} is not trusted or not for this name: "
                + $"{Innermost(e)}. Give the authority that signed it with --etcd-ca, and use a name it has",
            _ when NeverConnected(e) => $"etcd cannot be reached at {options.EndpointsText()}: {Innermost(e)}. Check "
                + "that it runs and that the addresses are those of its --listen-client-urls",
            StatusCode.Unavailable when detail.Contains("no leader", StringComparison.Ordinal) =>
                $"etcd at {endpoint} has no leader. Check that more than half of its members run and reach each other",
            StatusCode.ResourceExhausted when detail.Contains("space exceeded", StringComparison.Ordinal) =>
                "etcd's database is full. Compact and defragment it, then disarm its alarm: etcdctl compact, "
                + "etcdctl defrag, etcdctl alarm disarm",
            StatusCode.PermissionDenied =>
                $"etcd does not allow it to user {options.User ?? "(none)"}. Grant the role of that user readwrite "
                + $"permission on the prefix {options.Prefix}: "
                + $"etcdctl role grant-permission ROLE --prefix=true readwrite {options.Prefix}",
            StatusCode.InvalidArgument when detail.Contains("invalid user ID or password", StringComparison.Ordinal) =>
                $"etcd does not take the password of user {options.User}. Check --etcd-user and --etcd-password-file",
            StatusCode.InvalidArgument when detail.Contains("user name is empty", StringComparison.Ordinal) =>
                "etcd wants a user name and a password. Give them with --etcd-user and --etcd-password-file",
            StatusCode.Unauthenticated =>
                $"etcd at {endpoint} does not take the token of user {options.User}: {detail}",
            StatusCode.DeadlineExceeded or StatusCode.Cancelled =>
                $"etcd at {endpoint} did not answer in time. Check its load and its disk: etcdctl endpoint health",
            _ => $"etcd at {endpoint}: {(detail.Length > 0 ? detail : e.StatusCode)}",
        };
    }

    /// <summary>
    /// The connection was never made, so that nothing was sent. Strict: a connection that was lost later, and one that
    /// may have been made, do not count.
    /// </summary>
    private static bool NeverConnected(RpcException e)
    {
        // The client connects before it hands the call to a connection; when that fails it says exactly this.
        if (e.StatusCode == StatusCode.Unavailable
            && e.Status.Detail.StartsWith(NoConnection, StringComparison.Ordinal))
        {
            return true;
        }

        for (Exception? cause = e.Status.DebugException; cause is not null; cause = cause.InnerException)
        {
            if (cause is HttpRequestException http)
            {
                return http.HttpRequestError is HttpRequestError.ConnectionError
                        or HttpRequestError.NameResolutionError or HttpRequestError.SecureConnectionError
                    && http.InnerException is SocketException or AuthenticationException;
            }
        }

        return false;
    }

    private static string Innermost(RpcException e)
    {
        var cause = e.Status.DebugException ?? e;
        while (cause.InnerException is not null)
        {
            cause = cause.InnerException;
        }

        return cause.Message;
    }
}
