using System;
using System.Buffers;
using System.Collections.Generic;
using System.Linq;
using Myrmex.Base;
using Myrmex.Replication.Engine;

namespace Myrmex.Replication.Copy;

/// <summary>
/// The receiving end of a copy: asks for pieces and takes them in order, one at a time. What arrives early is kept, as
/// much as was asked for.
/// </summary>
internal sealed class CopyReceiver
{
    private readonly ICopyHost _host;
    private readonly Action<CopyReceiver, Errno, string> _ended;
    private readonly Dictionary<ulong, ReplicaMessage.CopyPiece> _early = []; // Owns the data of their items.
    private readonly ArrayBufferWriter<byte> _sessions = new();
    private readonly Queue<ReadOnlyMemory<byte>> _wants = []; // The sender has not said that it has heard of them.
    private IStoreCopyTarget? _target;
    private ulong _wantsTaken; // By the sender: those before the first of _wants.
    private ulong _wantsTold; // Sent once.
    private ulong _next;
    private ulong _items;
    private UInt128 _chain;
    private JournalIndex _reached; // Of the journal.
    private UInt128? _journalChain;
    private long _askedMs;
    private bool _isBusy = true; // Until the store is ready.

    /// <param name="ended">Called once: Ok when everything is in the store and on disk.</param>
    public CopyReceiver(
        ICopyHost host, ReplicaMessage.CopyOffer offer, Action<CopyReceiver, Errno, string> ended)
    {
        (_host, _ended) = (host, ended);
        (Source, Term, Copy, Start, _reached) = (offer.Sender, offer.Term, offer.Copy, offer.Start, offer.Start);
        Progress = new CopyProgress(Source, default, default, 0, CopyPart.Store);
        HeardMs = host.NowMs;
    }

    public MemberId Source { get; }

    /// <summary>In which the copy was offered.</summary>
    public Term Term { get; }

    public ulong Copy { get; }

    /// <summary>It holds everything up to here, and more.</summary>
    public JournalIndex Start { get; }

    /// <summary>When a piece was last taken.</summary>
    public long HeardMs { get; private set; }

    public bool IsEnded { get; private set; }

    /// <summary>The store is being changed, or was.</summary>
    public bool IsBegun => _target is not null;

    public CopyProgress Progress { get; private set; }

    /// <summary>The place the copy is as of, and the session table as of it; once it has ended well.</summary>
    public CheckpointFile? Position { get; private set; }

    /// <summary>What the disk says of this replica is that it is being copied: begins to change the store.</summary>
    public void Begin(IStoreCopies copies) =>
        _target = copies.Receive(error => _host.Post(() => Did(error, "the store cannot be made ready")));

    public void OnPiece(ReplicaMessage.CopyPiece piece)
    {
        if (IsEnded || piece.Sender != Source || piece.Copy != Copy)
        {
            return;
        }

        if (piece.Part == CopyPart.Unknown)
        {
            End(Errno.ESTALE, "the other member gave the copy up");
        }
        else if (piece.Number >= _next && piece.Number < _next + CopyLimits.Window
            && _early.TryAdd(piece.Number, piece))
        {
            foreach (var item in piece.Items)
            {
                item.Data.Retain();
            }

            ForgetWants(piece.WantsTaken);
            TakeNext();
        }
    }

    /// <summary>Asks again for what did not come.</summary>
    public void Tick()
    {
        if (_isBusy)
        {
            HeardMs = _host.NowMs; // The disk takes its time.
        }
        else if (_host.NowMs - HeardMs > _host.Setup.CopyStallMs)
        {
            End(Errno.ETIMEDOUT, "nothing came any more");
        }

        if (!IsEnded && _host.NowMs - _askedMs >= _host.Setup.Options.RetransmitMs)
        {
            Ask(isAgain: !_isBusy);
        }
    }

    /// <summary>Everything is in place: the other end may forget the copy.</summary>
    public void Thank(JournalIndex index)
    {
        _target!.Installed(index, Position!.ElidedThrough); // It has ended, so it had begun.
        SendRequest(window: 0);
    }

    /// <summary>Ends it as it is.</summary>
    public void Drop()
    {
        if (!IsEnded)
        {
            IsEnded = true;
            ReleaseEarly();
        }

        _target?.Abandon();
    }

    /// <summary>With all that is wanted, in as many requests as it takes.</summary>
    private void Ask(bool isAgain = false)
    {
        SendRequest(CopyLimits.Window, isAgain);
        while (_wantsTold < _wantsTaken + (ulong)_wants.Count)
        {
            SendRequest(CopyLimits.Window);
        }
    }

    private void SendRequest(int window, bool isAgain = false)
    {
        _askedMs = _host.NowMs;
        _wantsTold = isAgain ? _wantsTaken : _wantsTold;
        var (from, wants) = (_wantsTold, NextWants());
        _host.Send(Source, new ReplicaMessage.CopyRequest
        {
            Wanted = _wantsTaken + (ulong)_wants.Count,
            WantsFrom = from,
            Wants = wants,
            From = _host.Origin,
            Copy = Copy,
            Next = _next,
            Window = (byte)window,
            IsAgain = isAgain,
        });
    }

    /// <summary>Those that were not told yet, as many as go into a request.</summary>
    private List<ReadOnlyMemory<byte>> NextWants()
    {
        var next = new List<ReadOnlyMemory<byte>>();
        var bytes = 0;
        foreach (var want in _wants.Skip((int)(_wantsTold - _wantsTaken)))
        {
            if (bytes >= CopyLimits.WantsBytes || next.Count >= Limits.CopyWantsMax)
            {
                break;
            }

            next.Add(want);
            bytes += want.Length;
        }

        _wantsTold += (ulong)next.Count;
        return next;
    }

    private void ForgetWants(ulong taken)
    {
        while (_wantsTaken < taken && _wants.TryDequeue(out _))
        {
            _wantsTaken++;
        }

        _wantsTold = Math.Max(_wantsTold, _wantsTaken);
    }

    private void TakeNext()
    {
        if (_isBusy || IsEnded || !_early.TryGetValue(_next, out var piece))
        {
            return;
        }

        if (!IsWhole(piece))
        {
            _ = _early.Remove(_next);
            Release(piece);
            return; // It is asked for again.
        }

        _isBusy = true;
        HeardMs = _host.NowMs;
        switch (piece.Part)
        {
            case CopyPart.Store:
                _target!.Take(piece.Items, error => _host.Post(() => Took(piece, error))); // Begun.
                break;
            case CopyPart.Journal:
                _target!.Replay(piece.Items, error => _host.Post(() => Took(piece, error))); // Begun.
                break;
            case CopyPart.Sessions:
                Took(piece, AddSessions(piece.Items));
                break;
            default:
                _target!.Finish(error => _host.Post(() => Took(piece, error))); // Begun.
                break;
        }
    }

    private Errno AddSessions(IReadOnlyList<JournalEntry> items)
    {
        foreach (var item in items)
        {
            if (_sessions.WrittenCount + item.Meta.Length > CopyLimits.SessionsMax)
            {
                return Errno.E2BIG;
            }

            _sessions.Write(item.Meta.Span);
        }

        return Errno.Ok;
    }

    private void Took(ReplicaMessage.CopyPiece piece, Errno error)
    {
        if (IsEnded)
        {
            Release(piece); // Not in the list any more.
            return;
        }

        foreach (var want in piece.Part == CopyPart.Store ? _target!.TakeWants() : []) // Begun.
        {
            _wants.Enqueue(want);
        }

        _ = _early.Remove(_next);
        Advance(piece);
        Release(piece);
        _isBusy = false;
        if (error == Errno.Ok && piece.Part == CopyPart.End)
        {
            Position = new CheckpointFile(
                piece.Index, piece.EntryTerm, piece.Chain, _sessions.WrittenSpan.ToArray())
            {
                ElidedThrough = piece.ElidedThrough,
            };
            End(Errno.Ok, string.Empty);
        }
        else
        {
            Did(error, "a piece cannot be taken");
        }
    }

    private void Did(Errno error, string problem)
    {
        if (IsEnded)
        {
            return;
        }

        _isBusy = false;
        HeardMs = _host.NowMs;
        if (error != Errno.Ok)
        {
            End(error, problem);
            return;
        }

        Ask();
        TakeNext();
    }

    private void Advance(ReplicaMessage.CopyPiece piece)
    {
        _next++;
        var bytes = 0L;
        foreach (var item in piece.Items)
        {
            bytes += ReplicaLog.SizeOf(item);
            if (piece.Part is CopyPart.Store or CopyPart.Sessions)
            {
                (_items, _chain) = (item.Index.Value, item.Header.Chain);
            }
            else
            {
                (_journalChain, _reached) = (item.Header.Chain, item.Index);
            }
        }

        Progress = new CopyProgress(
            Source, piece.Done, piece.All, Progress.SentBytes + (ulong)bytes, piece.Part);
    }

    /// <summary>The items follow those before and are what their chains say.</summary>
    private bool IsWhole(ReplicaMessage.CopyPiece piece)
    {
        if (piece.Part == CopyPart.End)
        {
            return piece.Index == _reached && (_journalChain is null || _journalChain == piece.Chain);
        }

        var isJournal = piece.Part == CopyPart.Journal;
        var index = isJournal ? _reached.Value : _items;
        var chain = isJournal ? _journalChain : _chain;
        foreach (var item in piece.Items)
        {
            // What is before the first entry of the journal is not known; the one after it is checked with it.
            var isGood = item.Index.Value == ++index && (chain is not { } before || EntryChain.Matches(before, item));
            if (!isGood)
            {
                return false;
            }

            chain = item.Header.Chain;
        }

        return true;
    }

    private void End(Errno error, string problem)
    {
        IsEnded = true;
        ReleaseEarly();
        _ended(this, error, problem);
    }

    private void ReleaseEarly()
    {
        foreach (var (number, piece) in _early)
        {
            if (!_isBusy || number != _next)
            {
                Release(piece); // The one that is being taken is released when that is done.
            }
        }

        _early.Clear();
    }

    private static void Release(ReplicaMessage.CopyPiece piece)
    {
        foreach (var item in piece.Items)
        {
            item.Data.Release();
        }
    }
}
