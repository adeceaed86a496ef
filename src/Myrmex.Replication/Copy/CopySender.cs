using System;
using System.Collections.Generic;
using System.Linq;
using Myrmex.Base;
using Myrmex.Replication.Engine;
using Myrmex.Runtime;

namespace Myrmex.Replication.Copy;

/// <summary>
/// The sending end of a copy. It makes pieces a few ahead of what the receiver has asked for, keeps those that are not
/// acknowledged, and sends them again when they are asked for again.
/// </summary>
/// <remarks>
/// The order of the parts is what makes the copy sound (README.md): the store is read until what the journal moved
/// meanwhile was read too; only then is the place taken that the copy will be as of, so that nothing of what comes
/// after it can be in what was read.
/// </remarks>
internal sealed class CopySender
{
    private readonly ICopyHost _host;
    private readonly IStoreCopySource _source;
    private readonly Queue<Piece> _pieces = []; // Made and not acknowledged; at most CopyLimits.Window.
    private CopyPart _part;
    private CheckpointFile? _position; // What the copy may be as of; settled once nothing more is to be read.
    private JournalIndex _reached; // Of the journal: what was reviewed, later what was sent.
    private int _sessionsSent;
    private UInt128 _chain;
    private ulong _items;
    private ulong _made;
    private ulong _acknowledged;
    private ulong _next; // To be sent.
    private ulong _wanted;
    private ulong _sentBytes;
    private long _paceMs;
    private long _readBytes; // Of the source: paid for.
    private ulong _wantsTaken; // Of the receiver: told to the source.
    private ulong _wantsRead; // Told before what is being read, or was read last, was asked for.
    private ulong? _settled; // The receiver has taken so many pieces, and there is nothing that it wants.
    private bool _isDrained; // The source has read everything that it was asked for.
    private bool _isBusy;

    public CopySender(ICopyHost host, MemberId target, ulong copy, IStoreCopySource source)
    {
        (_host, Target, Copy, _source) = (host, target, copy, source);
        _reached = source.Start;
        HeardMs = host.NowMs;
    }

    public MemberId Target { get; }

    public ulong Copy { get; }

    /// <summary>The journal must keep what follows this entry.</summary>
    public JournalIndex Start => _source.Start;

    /// <summary>When the receiver last asked for something.</summary>
    public long HeardMs { get; private set; }

    public bool IsClosed { get; private set; }

    /// <summary>Somebody asked for it.</summary>
    public bool IsWanted => _wanted > 0;

    /// <summary>What a member that took the copy goes on from; none before everything was read.</summary>
    public JournalIndex End => _part > CopyPart.Store ? _position!.Index : JournalIndex.None;

    public CopyProgress Progress => new(Target, _source.Done, _source.All, _sentBytes, _part);

    public void Offer() => _host.Send(
        Target, new ReplicaMessage.CopyOffer { From = _host.Origin, Copy = Copy, Start = _source.Start });

    /// <summary>
    /// The receiver has everything before a piece and takes some more.
    /// </summary>
    public void OnRequest(ReplicaMessage.CopyRequest request)
    {
        HeardMs = _host.NowMs;
        if (request.Window == 0)
        {
            Close();
            return;
        }

        if (request.Next < _acknowledged || request.Next > _made)
        {
            return; // Late, or of a receiver that begins again: it will be offered another copy.
        }

        _next = request.IsAgain ? request.Next : Math.Max(_next, request.Next);
        _acknowledged = request.Next;
        TakeWants(request);
        _wanted = request.Next + Math.Min(request.Window, (ulong)CopyLimits.Window);
        while (_pieces.TryPeek(out var piece) && piece.Number < _acknowledged)
        {
            _pieces.Dequeue().Release();
        }

        Pump();
    }

    private void TakeWants(ReplicaMessage.CopyRequest request)
    {
        var known = _wantsTaken > request.WantsFrom ? _wantsTaken - request.WantsFrom : 0;
        if (_part == CopyPart.Store && request.WantsFrom <= _wantsTaken && (ulong)request.Wants.Count > known)
        {
            _wantsTaken = request.WantsFrom + (ulong)request.Wants.Count;
            _isDrained = false;
            _source.Want([.. request.Wants.Skip((int)known)]);
        }

        _settled = request.Wanted == _wantsTaken ? request.Next : null;
    }

    /// <summary>Goes on, as far as the window, the pace and the journal allow.</summary>
    public void Pump()
    {
        if (IsClosed)
        {
            return;
        }

        foreach (var piece in _pieces)
        {
            if (piece.Number == _next && _next < _wanted && MaySend(piece))
            {
                _next++;
                _sentBytes += (ulong)piece.Bytes;
                _host.Send(Target, piece.ToMessage(_host.Origin, Copy, _source, _wantsTaken));
            }
        }

        // The first request says that there is somebody to make pieces for.
        if (!_isBusy && _wanted > 0 && _pieces.Count < CopyLimits.Window)
        {
            Make();
        }
    }

    public void Close()
    {
        if (IsClosed)
        {
            return;
        }

        IsClosed = true;
        _source.Close();
        foreach (var piece in _pieces)
        {
            piece.Release();
        }

        _pieces.Clear();
    }

    /// <summary>What was read of the store was paid for then, and goes at once the first time.</summary>
    private bool MaySend(Piece piece)
    {
        if (piece.IsPaid)
        {
            piece.IsPaid = false;
            return true;
        }

        if (!IsInPace)
        {
            return false;
        }

        Pay(piece.Bytes);
        return true;
    }

    private bool IsInPace => _host.CopyBytesPerSecond <= 0 || _paceMs <= _host.NowMs;

    private void Pay(long bytes)
    {
        if (_host.CopyBytesPerSecond is > 0 and var rate)
        {
            _paceMs = Math.Max(_paceMs, _host.NowMs - CopyLimits.BurstMs) + (bytes * 1000 / rate);
        }
    }

    private void Make()
    {
        switch (_part)
        {
            case CopyPart.Store when _position is null && _isDrained:
                TakePosition();
                break;
            case CopyPart.Store when _position is null:
                if (!IsInPace)
                {
                    break; // The tick goes on.
                }

                _isBusy = true;
                _wantsRead = _wantsTaken;
                _source.Read(_host.Setup.CopyPieceBytes, (error, items) => _host.Post(() => TakeItems(error, items)));
                break;
            case CopyPart.Store:
                Review();
                break;
            case CopyPart.Journal:
                MakeJournal(_position!); // Settled by the end of the store.
                break;
            case CopyPart.Sessions:
                MakeSessions(_position!); // The same.
                break;
            default:
                break; // All was made.
        }
    }

    private void TakeItems(Errno error, IReadOnlyList<CopyItem> items)
    {
        _isBusy = false;
        var read = _source.ReadBytes - _readBytes;
        _readBytes += read;
        Pay(Math.Max(read, Piece.BytesOf(items)));
        if (IsClosed || error != Errno.Ok)
        {
            foreach (var item in items)
            {
                item.Data.Release();
            }

            if (!IsClosed)
            {
                Fail("the store cannot be read", error);
            }

            return;
        }

        if (items.Count == 0)
        {
            _isDrained = _wantsRead == _wantsTaken;
            Make();
            return;
        }

        var entries = new JournalEntry[items.Count];
        for (var i = 0; i < entries.Length; i++)
        {
            entries[i] = Seal(items[i].Meta, items[i].Data);
        }

        Add(entries);
    }

    /// <summary>
    /// Once the receiver has taken everything and wants nothing more of it. Tried again by requests and ticks.
    /// </summary>
    private void TakePosition()
    {
        if (_settled == _made)
        {
            _position = _host.TakePosition();
            if (_position is not null)
            {
                Review();
            }
        }
    }

    /// <summary>
    /// Looks through what was committed since the reading began, up to the place that the copy may be as of. What was
    /// moved may have been missed and is read then, and after that there is another place.
    /// </summary>
    private void Review()
    {
        var through = _position!.Index; // Taken before.
        if (_reached >= through)
        {
            Reviewed([], isLast: true);
        }
        else if (_host.Durable >= through)
        {
            ReadOn(through, CopyLimits.JournalBytes, entries =>
            {
                Reviewed(entries, isLast: _reached >= through);
                Release(entries);
            });
        }
    }

    private void Reviewed(IReadOnlyList<JournalEntry> entries, bool isLast)
    {
        var isMore = _source.Review(entries, isLast);
        if (isMore)
        {
            _position = null;
            _isDrained = false;
        }
        else if (isLast)
        {
            (_part, _reached) = (CopyPart.Journal, _source.Start);
        }

        Pump();
    }

    private void MakeJournal(CheckpointFile position)
    {
        if (_reached >= position.Index)
        {
            _part = CopyPart.Sessions;
            MakeSessions(position);
            return;
        }

        ReadOn(position.Index, _host.Setup.CopyPieceBytes, Add);
    }

    /// <summary>The next entries of the journal; who gets them owns their data.</summary>
    private void ReadOn(JournalIndex through, int bytesMax, Action<List<JournalEntry>> take)
    {
        _isBusy = true;
        _host.ReadJournal(_reached, through, bytesMax, (error, entries) =>
        {
            _isBusy = false;
            if (IsClosed || error != Errno.Ok || entries.Count == 0)
            {
                Release(entries);
                FailJournal(error);
                return;
            }

            _reached = entries[^1].Index;
            take(entries);
        });
    }

    private void MakeSessions(CheckpointFile position)
    {
        var rest = position.Sessions.Length - _sessionsSent;
        if (rest == 0)
        {
            _part = CopyPart.End;
            Add([]);
            return;
        }

        var count = Math.Min(rest, CopyLimits.SessionsBytes);
        var entry = Seal(position.Sessions.AsMemory(_sessionsSent, count), default);
        _sessionsSent += count;
        Add([entry]);
    }

    private JournalEntry Seal(ReadOnlyMemory<byte> meta, Payload data)
    {
        var header = new EntryHeader(
            Term.None, new JournalIndex(++_items), default, EntryKind.Operation, Copy, 0, 0);
        var entry = new JournalEntry(EntryChain.Seal(_chain, header, meta.Span, data.Span), meta, data);
        _chain = entry.Header.Chain;
        return entry;
    }

    private void Add(IReadOnlyList<JournalEntry> items)
    {
        _pieces.Enqueue(new Piece(_made++, _part, items, _part == CopyPart.End ? _position : null));
        Pump();
    }

    /// <summary>The journal needs the room of what the copy keeps in it.</summary>
    public void GiveUpForRoom() => FailJournal(Errno.ENOSPC);

    private void FailJournal(Errno error)
    {
        if (!IsClosed)
        {
            Fail("the journal cannot keep what is committed during the copy; give it more segments, or more bytes a "
                + "second to the copy", error);
        }
    }

    private void Fail(string what, Errno error)
    {
        Log.Error("replica", "a copy to a member ends: " + what, ("set", _host.Setup.StorePrefix), ("member", Target),
            ("error", error));
        Close();
    }

    private static void Release(IReadOnlyList<JournalEntry> entries)
    {
        foreach (var entry in entries)
        {
            entry.Data.Release();
        }
    }

    /// <summary>Owns the data of its items.</summary>
    private sealed class Piece(
        ulong number, CopyPart part, IReadOnlyList<JournalEntry> items, CheckpointFile? position)
    {
        public ulong Number => number;

        public long Bytes { get; } = BytesOf(items);

        /// <summary>Its bytes are in the pace already.</summary>
        public bool IsPaid { get; set; } = part == CopyPart.Store;

        public ReplicaMessage.CopyPiece ToMessage(
            MessageOrigin from, ulong copy, IStoreCopySource source, ulong wantsTaken) => new()
            {
                WantsTaken = wantsTaken,
                ElidedThrough = position?.ElidedThrough ?? JournalIndex.None,
                From = from,
                Copy = copy,
                Number = number,
                Part = part,
                Index = position?.Index ?? default,
                EntryTerm = position?.Term ?? default,
                Chain = position?.Chain ?? default,
                Done = source.Done,
                All = source.All,
                Items = items,
            };

        public void Release() => CopySender.Release(items);

        public static long BytesOf(IReadOnlyList<CopyItem> items)
        {
            var bytes = 0L;
            foreach (var item in items)
            {
                bytes += item.Meta.Length + item.Data.Length;
            }

            return bytes;
        }

        private static long BytesOf(IReadOnlyList<JournalEntry> items)
        {
            var bytes = 0L;
            foreach (var item in items)
            {
                bytes += ReplicaLog.SizeOf(item);
            }

            return bytes;
        }
    }
}
