using System;
using System.Collections.Generic;
using System.Threading;
using Myrmex.Base;
using Myrmex.Replication.Copy;
using Myrmex.Replication.Engine;
using Myrmex.Runtime;

namespace Myrmex.Replication;

/// <summary>
/// Copies of the whole main store: offered by a leader whose journal no longer has what a member lacks, taken by that
/// member. One copy at a time is sent and one is taken; one to a witness, which is done in a moment, does not wait for
/// one to a member with a store.
/// </summary>
public sealed partial class Replica : ICopyHost
{
    /// <summary>A receiver asks every <see cref="ReplicaOptions.RetransmitMs"/>; this many are missing.</summary>
    private const int SilentAsks = 5;

    private const int RetryReadMs = 10;
    private const int FullForCopiesPercent = 75; // Below what clients are refused at.

    private readonly CopyDesk _toStores = new();
    private readonly CopyDesk _toWitnesses = new();
    private CopyReceiver? _receiver;
    private ulong _copies;
    private long _copyBytesPerSecond;
    private long _noCopyBeforeMs;
    private bool _isBeginOwed; // The engine does not know yet that the store will be overwritten.
    private bool _isMarkOwed; // The disk does not say yet that the store is being overwritten.
    private bool _isInstallOwed;
    private (JournalIndex From, long UntilMs) _kept; // For a member that has just taken a copy.

    /// <summary>The copy that is being sent. On the replica's scheduler only.</summary>
    public CopyProgress? Sending => (_toStores.Open ?? _toWitnesses.Open)?.Progress;

    /// <summary>The copy that is being taken. On the replica's scheduler only.</summary>
    public CopyProgress? Receiving => _receiver?.Progress;

    /// <summary>
    /// The main store holds nothing that can be relied on, until a copy is installed. On the replica's scheduler only.
    /// </summary>
    public bool NeedsCopy => _engine.NeedsCopy;

    ReplicaSetup ICopyHost.Setup => _setup;

    long ICopyHost.NowMs => NowMs;

    long ICopyHost.CopyBytesPerSecond => Volatile.Read(ref _copyBytesPerSecond);

    MessageOrigin ICopyHost.Origin => _engine.Origin;

    JournalIndex ICopyHost.Durable => _engine.Durable;

    /// <summary>The last entry whose successors the journal keeps for copies.</summary>
    private ulong KeptForCopies => Math.Min(
        Math.Min(_toStores.Open?.Start.Value ?? ulong.MaxValue, _toWitnesses.Open?.Start.Value ?? ulong.MaxValue),
        NowMs < _kept.UntilMs ? _kept.From.Value : ulong.MaxValue);

    void ICopyHost.Send(MemberId to, ReplicaMessage message) => _setup.Transport.Send(to, message);

    void ICopyHost.Post(Action work) => _scheduler.Post(() =>
    {
        if (!_isStopped)
        {
            work();
            Carry();
        }
    });

    CheckpointFile? ICopyHost.TakePosition()
    {
        var commit = _engine.Commit;
        return _engine.Log.Knows(commit)
            ? new CheckpointFile(
                commit, _engine.Log.TermAt(commit), _engine.Log.ChainAt(commit), _engine.Sessions.Export())
            {
                ElidedThrough = _engine.ElidedThrough, // What was read may lack what only comes behind.
            }
            : null;
    }

    void ICopyHost.ReadJournal(
        JournalIndex previous, JournalIndex through, int bytesMax, Action<Errno, List<JournalEntry>> done)
    {
        var entries = new List<JournalEntry>();
        var error = Errno.Ok;
        var count = (int)Math.Min(FetchEntriesMax, through.Value - previous.Value);
        var handed = _writer.Do(
            journal => error = journal.ReadRange(new JournalIndex(previous.Value + 1), count, bytesMax, entries),
            () =>
            {
                var damaged = DamageOf(error, previous, entries.Count);
                done(error, entries);
                if (damaged != JournalIndex.None)
                {
                    FoundDamage(damaged);
                }

                Carry();
            });
        if (handed == Errno.EAGAIN)
        {
            _ = _scheduler.Schedule(
                RetryReadMs, () => ((ICopyHost)this).ReadJournal(previous, through, bytesMax, done));
        }
        else if (handed != Errno.Ok)
        {
            done(handed, entries);
        }
    }

    /// <summary>
    /// What a copy may read of the store and send in a second, from now on; 0 for no limit. Any thread.
    /// </summary>
    public void BoundCopies(long bytesPerSecond) => Volatile.Write(ref _copyBytesPerSecond, bytesPerSecond);

    private void OfferCopy(MemberId peer)
    {
        var isWitness = _engine.Configuration?.AllWitnesses.Contains(peer) == true;
        if (_setup.Copies is null && !isWitness)
        {
            Log.Warning("replica", "a member needs a copy, and this store cannot be copied",
                ("set", _setup.StorePrefix), ("member", peer));
            return;
        }

        var desk = isWitness ? _toWitnesses : _toStores;
        if (desk.Open is { } sender)
        {
            var isSilent = NowMs - sender.HeardMs > SilentAsks * _setup.Options.RetransmitMs;
            if (sender.Target == peer && !sender.IsWanted && !isSilent)
            {
                sender.Offer();
            }

            if (sender.Target != peer || !isSilent)
            {
                return; // One after the other; the tick ends the one that nobody asks for any more.
            }

            // The receiver was started again and knows nothing of it; or it was not there to take it. What was
            // committed since the offer would go over entry by entry: it is made anew.
            sender.Close();
        }

        if (NowMs < desk.Thanked.UntilMs && peer == desk.Thanked.Member)
        {
            return; // It has said that it needs one before it had the last one.
        }

        if ((isWitness ? new WitnessCopySource(_engine.Commit) : _setup.Copies!.Open()) is { } source) // Looked at.
        {
            if (desk.Last is not { IsWanted: false } before || before.Target != peer)
            {
                Log.Information("replica", "a copy is offered", ("set", _setup.StorePrefix), ("member", peer),
                    ("from", source.Start));
            }

            desk.Last = new CopySender(this, peer, ++_copies, source);
            desk.Last.Offer();
        }
    }

    private void OnCopyMessage(ReplicaMessage message)
    {
        if (message.Sender == Self || !_engine.IsOfMember(message) || _engine.Role == ReplicaRole.Failed)
        {
            return;
        }

        switch (message)
        {
            case ReplicaMessage.CopyOffer offer:
                OnOffer(offer);
                break;
            case ReplicaMessage.CopyRequest request:
                OnRequest(request);
                break;
            case ReplicaMessage.CopyPiece piece:
                _receiver?.OnPiece(piece);
                break;
            default:
                break;
        }
    }

    /// <summary>
    /// Only the leader of the promised term offers, and only what is of use is taken: an offer may be late.
    /// </summary>
    private void OnOffer(ReplicaMessage.CopyOffer offer)
    {
        if (_isOutOfRoom)
        {
            return; // It would find no room either; it is offered again.
        }

        if (_setup.Copies is null || _receiver is not null || NowMs < _noCopyBeforeMs
            || _engine.Leader != offer.Sender || !_engine.TakesCopy(offer.Term, offer.Start))
        {
            return;
        }

        Log.Warning("replica", "the store is made anew from a copy", ("set", _setup.StorePrefix), ("member", Self),
            ("source", offer.Sender));
        _receiver = new CopyReceiver(this, offer, OnReceiverEnded);
        _isBeginOwed = true;
        BeginReceiving();
    }

    /// <summary>A checkpoint on its way would say that the store is whole: it comes first.</summary>
    private void BeginReceiving()
    {
        if (_isBeginOwed && !_isCheckpointing && _receiver is not null)
        {
            _isBeginOwed = false;
            if (!_engine.BeginInstall(_receiver.Term, _receiver.Start, NowMs))
            {
                _receiver.Drop(); // Another leader was elected meanwhile, or it got on without. Nothing was changed.
                _receiver = null;
                return;
            }

            Tell(ReplicaNewsKind.CopyBegun, _receiver.Source);
            _toStores.Last?.Close(); // What is read from here on would be of a store that is being emptied.
            _toWitnesses.Last?.Close();
        }
    }

    /// <summary>Makes the disk say that the store holds nothing, and then overwrites it.</summary>
    private void MarkCopying()
    {
        if (!_isMarkOwed)
        {
            return;
        }

        var result = Errno.Ok;
        _isMarkOwed = _writer.Do(
            journal =>
            {
                result = CheckpointFile.Load(_setup.Seams.Disk!, _setup.Journal.Path, out var file); // Required.
                result = result is Errno.Ok or Errno.ENOENT
                    ? (file with { IsCopying = true }).Save(_setup.Seams.Disk!, _setup.Journal.Path) : result;
            },
            () =>
            {
                if (result != Errno.Ok)
                {
                    Fail(result);
                }
                else if (!_isStopped && _receiver is { IsEnded: false, IsBegun: false } receiver)
                {
                    receiver.Begin(_setup.Copies!); // Checked when it was offered.
                }
            }) == Errno.EAGAIN;
    }

    private void OnRequest(ReplicaMessage.CopyRequest request)
    {
        var desk = _toStores.Serves(request) ? _toStores : _toWitnesses;
        if (desk.Serves(request))
        {
            var sender = desk.Last!; // It serves.
            sender.OnRequest(request);
            if (sender.IsClosed)
            {
                var from = NowMs < _kept.UntilMs && _kept.From < sender.End ? _kept.From : sender.End;
                _kept = (from, NowMs + _setup.CopyStallMs);
                desk.Thanked = (request.Sender, NowMs + (SilentAsks * _setup.Options.RetransmitMs));
            }
        }
        else if (request.Window > 0)
        {
            _setup.Transport.Send(request.Sender, new ReplicaMessage.CopyPiece
            {
                From = _engine.Origin,
                Copy = request.Copy,
                Number = request.Next,
                Part = CopyPart.Unknown,
            });
        }
    }

    private void OnReceiverEnded(CopyReceiver receiver, Errno error, string problem)
    {
        if (error == Errno.Ok && _engine.CanInstall(receiver.Position!.Index)) // It ended well.
        {
            _isInstallOwed = true;
            InstallCopy();
            return;
        }

        Log.Warning("replica", "a copy was not taken: " + problem, ("set", _setup.StorePrefix), ("member", Self),
            ("source", receiver.Source), ("error", error));
        Tell(ReplicaNewsKind.CopyFailed, receiver.Source);
        _noCopyBeforeMs = NowMs + (error is Errno.Ok or Errno.ESTALE or Errno.ETIMEDOUT ? 0 : CopyLimits.PauseMs);
        receiver.Drop();
        _receiver = null;
    }

    /// <summary>
    /// The store is whole and on disk. The checkpoint that says so comes before the journal begins anew: a start in
    /// between finds it and does the rest.
    /// </summary>
    private void InstallCopy()
    {
        if (!_isInstallOwed || _receiver?.Position is not { } position)
        {
            return;
        }

        var receiver = _receiver;
        var result = Errno.Ok;
        _isInstallOwed = _writer.Do(
            journal => result = position.Save(_setup.Seams.Disk!, _setup.Journal.Path), // Required.
            () =>
            {
                if (result != Errno.Ok)
                {
                    Fail(result);
                }
                else if (!_isStopped)
                {
                    Installed(receiver, position);
                }
            }) == Errno.EAGAIN;
    }

    private void Installed(CopyReceiver receiver, CheckpointFile position)
    {
        Log.Information("replica", "a copy is in place", ("set", _setup.StorePrefix), ("member", Self),
            ("index", position.Index));
        _receiver = null;
        _checkpoint = position.Index;
        Tell(ReplicaNewsKind.CopyEnded, receiver.Source);
        receiver.Thank(position.Index);
        DropUntold();
        _engine.Install(
            position.Index, position.Term, position.Chain, position.Sessions, NowMs, position.ElidedThrough);
        Carry();
    }

    private void CopyTick()
    {
        SendOn(_toStores.Open);
        SendOn(_toWitnesses.Open);
        _receiver?.Tick();
        BeginReceiving();
        MarkCopying();
        InstallCopy();
        Carry();
    }

    private void SendOn(CopySender? sender)
    {
        if (sender is not null && NowMs - sender.HeardMs > _setup.CopyStallMs)
        {
            sender.Close();
        }

        sender?.Pump();
    }

    /// <summary>The journal must go on, whoever is being copied.</summary>
    private void MakeRoom(int usedPercent)
    {
        if (usedPercent >= FullForCopiesPercent)
        {
            _toStores.Open?.GiveUpForRoom();
            _toWitnesses.Open?.GiveUpForRoom();
        }
    }

    /// <summary>Where copies of a kind are sent, one after the other.</summary>
    private sealed class CopyDesk
    {
        /// <summary>The last one, perhaps over.</summary>
        public CopySender? Last { get; set; }

        /// <summary>Who has just taken one.</summary>
        public (MemberId Member, long UntilMs) Thanked { get; set; }

        public CopySender? Open => Last is { IsClosed: false } sender ? sender : null;

        public bool Serves(ReplicaMessage.CopyRequest request) =>
            Open is { } sender && sender.Copy == request.Copy && sender.Target == request.Sender;
    }
}
