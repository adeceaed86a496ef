using System.Collections.Generic;
using System.Threading;
using Myrmex.Base;
using Myrmex.Rpc;
using Myrmex.Runtime;
using Myrmex.Wire;

namespace Myrmex.Protocol;

/// <summary>
/// Files that nobody uses any more and that are still open at the server: they are released together, when there are
/// enough of them or after a moment. Nobody waits for a RELEASE. What takes names away goes behind them, because a file
/// that is open when it loses its last name is kept. Safe for all threads.
/// </summary>
internal sealed class ReleaseQueue(IScheduler scheduler)
{
    /// <summary>How long a file may stay open for others to come, in milliseconds.</summary>
    private const long DelayMs = 50;

    private readonly Lock _guard = new(); // Guards the fields; a leaf lock.
    private List<OpenNumber>? _files;
    private ClientAttachment? _attachment; // Of the files.
    private bool _isWaiting; // The timer is set.
    private long _filesSent;
    private long _callsSent;

    /// <summary>Files released, and calls that it took; for people.</summary>
    public (long Files, long Calls) Figures => (Volatile.Read(ref _filesSent), Volatile.Read(ref _callsSent));

    /// <summary>Takes a file that is open at a server which knows of this.</summary>
    public void Add(ClientAttachment attachment, in OpenNumber file)
    {
        List<OpenNumber>? full = null;
        ClientAttachment? at = null;
        var mustWait = false;
        lock (_guard)
        {
            if (!ReferenceEquals(_attachment, attachment))
            {
                (full, at) = (_files, _attachment); // The server of an attachment that has ended has dropped them.
                (_files, _attachment) = (null, attachment);
            }

            _files ??= [];
            _files.Add(file);
            if (_files.Count >= ReleaseManyBody.FilesMax)
            {
                (full, at) = (_files, attachment);
                _files = null;
            }
            else if (!_isWaiting)
            {
                mustWait = _isWaiting = true;
            }
        }

        Send(at, full);
        if (mustWait)
        {
            scheduler.Schedule(DelayMs, OnTime);
        }
    }

    /// <summary>Sends what there is, ahead of what the caller sends next.</summary>
    public void SendAll()
    {
        if (Volatile.Read(ref _files) is null)
        {
            return;
        }

        List<OpenNumber>? files;
        ClientAttachment? at;
        lock (_guard)
        {
            (files, at) = (_files, _attachment);
            _files = null;
        }

        Send(at, files);
    }

    private void OnTime()
    {
        lock (_guard)
        {
            _isWaiting = false;
        }

        SendAll();
    }

    private void Send(ClientAttachment? attachment, List<OpenNumber>? files)
    {
        if (attachment is null || files is null || !attachment.Connection.IsOpen)
        {
            return;
        }

        Interlocked.Add(ref _filesSent, files.Count);
        Interlocked.Increment(ref _callsSent);
        var head = new RpcCall(0, Programs.Extension, Programs.ExtensionVersion, Programs.ReleaseMany);
        attachment.Connection.Send(head, null, new ReleaseManyBody(files), Nobody.Instance, version3: true);
    }

    /// <summary>What becomes of a RELEASE changes nothing: a server that is lost drops the files too.</summary>
    private sealed class Nobody : IReplyReceiver
    {
        public static readonly Nobody Instance = new();

        public void OnReply(Payload record, int position)
        {
        }

        public void OnFailed(Errno error)
        {
        }
    }
}
