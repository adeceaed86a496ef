using System;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Rpc;
using Myrmex.Runtime;
using Myrmex.Wire;

namespace Myrmex.Coordination.Remote;

/// <summary>
/// The one connection to a <see cref="StateStoreServer"/>: made when somebody needs it, and again after a pause that
/// doubles as long as nobody answers.
/// </summary>
internal sealed class RemoteConnector(Seams seams, string path) : IDisposable
{
    private readonly Lock _lock = new(); // Guards the fields below; a leaf lock.
    private RpcConnection? _open;
    private RpcConnection? _connecting;
    private TaskCompletionSource? _attempt; // Ends when the attempt under way has succeeded or failed.
    private long _pauseMs;
    private long _notBeforeNs;
    private string _reason = "it has not answered yet";
    private bool _isDisposed;

    /// <summary>Why there was no connection the last time that there was none.</summary>
    public string Reason
    {
        get
        {
            lock (_lock)
            {
                return _reason;
            }
        }
    }

    /// <summary>The connection, or null when there is none now.</summary>
    public RpcConnection? Current
    {
        get
        {
            lock (_lock)
            {
                return _open;
            }
        }
    }

    /// <summary>The connection, or null when there is none until the deadline.</summary>
    /// <param name="deadlineNs">By the monotonic clock.</param>
    public async Task<RpcConnection?> OpenAsync(long deadlineNs, CancellationToken cancellation)
    {
        while (true)
        {
            Task attempt;
            lock (_lock)
            {
                if (_open is { IsOpen: true } open)
                {
                    return open;
                }

                attempt = (_attempt ??= Begin()).Task;
            }

            var leftMs = (deadlineNs - seams.Clock.MonotonicNs) / 1_000_000;
            if (leftMs <= 0 || !await Pauses.EndsAsync(attempt, seams.Scheduler, leftMs, cancellation))
            {
                return null;
            }
        }
    }

    /// <summary>The server has answered something: the next attempt, if there is one, need not wait.</summary>
    public void Answered()
    {
        lock (_lock)
        {
            _pauseMs = 0;
            _notBeforeNs = 0;
        }
    }

    public void Dispose()
    {
        RpcConnection? open;
        RpcConnection? connecting;
        lock (_lock)
        {
            _isDisposed = true;
            (open, connecting) = (_open, _connecting);
        }

        open?.Close(Errno.ECANCELED, "the state store is closed");
        connecting?.Close(Errno.ECANCELED, "the state store is closed");
    }

    /// <summary>Begins an attempt, when the pause is over.</summary>
    private TaskCompletionSource Begin()
    {
        var attempt = new TaskCompletionSource(); // Completed in place; who waits yields (see Pauses).
        var waitMs = (_notBeforeNs - seams.Clock.MonotonicNs + 999_999) / 1_000_000;
        seams.Scheduler.Schedule(Math.Max(0, waitMs), () => Connect(attempt));
        return attempt;
    }

    private void Connect(TaskCompletionSource attempt)
    {
        var connection = new RpcConnection(seams, new Handler(this, attempt));
        lock (_lock)
        {
            if (_isDisposed)
            {
                return; // All who waited have been told so.
            }

            _connecting = connection;
        }

        var options = RpcConnection.LinkOptions(frameBytesMax: StateStoreProgram.AnswerBytesMax) with
        {
            ConnectTimeoutMs = StateStoreProgram.CallMs,
        };
        connection.Connect(LinkAddress.Unix(path), options);
    }

    private void Opened(RpcConnection connection, TaskCompletionSource attempt)
    {
        bool disposed;
        lock (_lock)
        {
            _open = connection;
            _connecting = null;
            _attempt = null;
            disposed = _isDisposed;
        }

        if (disposed)
        {
            connection.Close(Errno.ECANCELED, "the state store is closed");
        }

        attempt.TrySetResult();
    }

    private void Closed(RpcConnection connection, TaskCompletionSource attempt, string reason)
    {
        lock (_lock)
        {
            if (_open == connection)
            {
                _open = null;
            }
            else
            {
                _connecting = null;
                _attempt = null;
            }

            _reason = reason;
            _pauseMs = Math.Clamp(
                _pauseMs * 2, StateStoreProgram.ConnectPauseMsMin, StateStoreProgram.ConnectPauseMsMax);
            _notBeforeNs = seams.Clock.MonotonicNs + (_pauseMs * 1_000_000);
        }

        attempt.TrySetResult();
    }

    private sealed class Handler(RemoteConnector owner, TaskCompletionSource attempt) : IRpcHandler
    {
        public void OnOpen(RpcConnection connection) => owner.Opened(connection, attempt);

        /// <summary>The server asks nothing.</summary>
        public void OnCall(RpcConnection connection, RpcCall head, Call call, Payload record, int position)
        {
            call.Release();
            connection.Refuse(head.Xid, AcceptStatus.ProgramUnavailable);
        }

        public void OnClosed(RpcConnection connection, Errno error, string reason) =>
            owner.Closed(connection, attempt, reason);
    }
}
