using System;
using System.Collections.Generic;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Replication;

namespace Myrmex.Cluster.Journal;

/// <summary>How a fop ended at the leader.</summary>
/// <param name="Evaluation">What was made of it. Its data is released already.</param>
/// <param name="Error">The answer when it is not Ok.</param>
/// <param name="Applied">What the store said when the operation was applied.</param>
public readonly record struct LeaderAnswer(Errno Error, Evaluation Evaluation, RedoResult Applied)
{
    /// <summary>What the client gets; the iatt of changed data has the block count of the store.</summary>
    public RecordedOutcome Outcome => Evaluation.Operation?.Outcome ?? Evaluation.Outcome;

    /// <summary>In which term it was found out that nothing is to be changed; none when something was.</summary>
    public Term Term { get; init; }
}

/// <summary>
/// The life of a mutating fop on the leader: it takes its keys, is evaluated, logged, committed, applied to the
/// leader's own store, and only then answered and its keys given back. So whoever evaluates sees the effects of
/// everything before it that it could depend on, and the store never has an effect that is not committed. Safe for all
/// threads.
/// </summary>
public sealed class JournalLeader(Redo redo, IReplicaLog log)
{
    [ThreadStatic]
    private static List<ConflictKey>? _needed; // Empty between two uses.

    private readonly Lock _lock = new(); // Guards the next four; a leaf lock.
    private readonly PendingOperations _pending = new();
    private readonly Dictionary<ulong, TaskCompletionSource> _waiting = [];
    private readonly List<ulong> _ready = []; // Empty while nobody holds the lock.

    // Operations of sessions that are under way; with what ends then, once somebody waits for that.
    private readonly Dictionary<(UInt128, ulong, uint), TaskCompletionSource?> _underWay = [];
    private bool _hasFailed;

    /// <summary>
    /// An operation is committed and could not be applied: nothing more is taken until the store is replayed.
    /// </summary>
    public bool HasFailed => Volatile.Read(ref _hasFailed);

    /// <summary>Fops under way.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _pending.Count;
            }
        }
    }

    /// <summary>
    /// Takes a fop through. EAGAIN: too much is under way. EREMOTE: this member does not lead, nothing was done.
    /// EBADE: the session is not known, nothing was done. ENOTCONN: not known whether it takes effect.
    /// </summary>
    /// <param name="session">Whose operation it is; a retry gets the outcome of the first time.</param>
    /// <param name="keys">What the fop names, from <see cref="Evaluator"/>; taken over.</param>
    /// <param name="evaluate">Called again when it turns out to touch more than is held.</param>
    public ValueTask<LeaderAnswer> RunAsync(
        SessionKey session, List<ConflictKey> keys, Func<ValueTask<Evaluation>> evaluate) =>
        session.Session == 0 ? RunOnceAsync(log.ServingTerm, session, keys, evaluate)
            : RunInTurnAsync(log.ServingTerm, session, keys, evaluate);

    /// <summary>
    /// A retry comes while the first one is still under way when a client has lost its connection only. It must not be
    /// evaluated against what the first one does after it was looked for in the journal. It is done in the term in
    /// which it came: what others have let it through for is of that one.
    /// </summary>
    private async ValueTask<LeaderAnswer> RunInTurnAsync(
        Term term, SessionKey session, List<ConflictKey> keys, Func<ValueTask<Evaluation>> evaluate)
    {
        while (Begin(session) is { } first)
        {
            await first;
            session = session with { MayBeKnown = true };
        }

        try
        {
            return await RunOnceAsync(term, session, keys, evaluate);
        }
        finally
        {
            End(session);
        }
    }

    /// <summary>Null when it is under way from now on; else what ends when it no longer is.</summary>
    private Task? Begin(SessionKey session)
    {
        lock (_lock)
        {
            ref var ended = ref CollectionsMarshal.GetValueRefOrAddDefault(_underWay, NameOf(session), out var isThere);
            if (!isThere)
            {
                return null;
            }

            ended ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return ended.Task;
        }
    }

    private void End(SessionKey session)
    {
        TaskCompletionSource? ended;
        lock (_lock)
        {
            _underWay.Remove(NameOf(session), out ended);
        }

        ended?.SetResult();
    }

    private static (UInt128, ulong, uint) NameOf(SessionKey session) =>
        (session.Session, session.Sequence, session.Step);

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<LeaderAnswer> RunOnceAsync(
        Term term, SessionKey session, List<ConflictKey> keys, Func<ValueTask<Evaluation>> evaluate)
    {
        if (term == Term.None || log.ServingTerm != term)
        {
            return new LeaderAnswer(Errno.EREMOTE, new Evaluation(), default);
        }

        if (session.MayBeKnown)
        {
            var found = await log.FindAsync(term, session);
            if (found.Error != Errno.Ok || found.Outcome is not null)
            {
                return KnownAnswer(found);
            }
        }

        for (var attempt = 0; attempt < JournalLimits.EvaluationsMax; attempt++)
        {
            var number = await EnterAsync(keys);
            if (number == 0 || HasFailed)
            {
                Leave(number);
                return new LeaderAnswer(number == 0 ? Errno.EAGAIN : Errno.ENOTCONN, new Evaluation(), default);
            }

            Evaluation evaluation;
            var watched = redo.Watch.Begin();
            try
            {
                evaluation = await evaluate();
            }
            catch
            {
                Leave(number); // Else everything that needs these keys would wait for ever.
                throw;
            }
            finally
            {
                redo.Watch.End(watched);
            }

            if (evaluation.Operation is not { } operation)
            {
                Leave(number);
                return await ReadAnswerAsync(term, evaluation);
            }

            if (IsCovered(keys, operation))
            {
                var answer = await LogAsync(term, session, evaluation, operation);
                Leave(number);
                evaluation.Data.Release();
                return answer;
            }

            // What was read of the rest may be of any time: again, with everything held. Nothing is held while waiting.
            Leave(number);
            evaluation.Data.Release();
            keys = [.. keys];
            ConflictKeys.Extend(keys, ConflictKeys.Of(operation));
        }

        return new LeaderAnswer(Errno.EAGAIN, new Evaluation(), default);
    }

    /// <summary>
    /// Whether what was read from the store since this member served in a term may be told. Else the error of the fop.
    /// </summary>
    public ValueTask<Errno> ConfirmAsync(Term term) => log.ConfirmAsync(term);

    /// <summary>A failure, or a success that changes nothing, says what the store holds: it is a read.</summary>
    private async ValueTask<LeaderAnswer> ReadAnswerAsync(Term term, Evaluation evaluation)
    {
        var error = await log.ConfirmAsync(term);
        return error == Errno.Ok
            ? new LeaderAnswer(evaluation.Error, evaluation, default) { Term = term }
            : new LeaderAnswer(error, new Evaluation(), default);
    }

    private static bool IsCovered(List<ConflictKey> held, JournalOperation operation)
    {
        var needed = _needed ??= new List<ConflictKey>(8);
        ConflictKeys.Add(operation, needed);
        var isCovered = ConflictKeys.Cover(held, needed);
        needed.Clear();
        return isCovered;
    }

    /// <summary>The answer of the first time, or why there is none.</summary>
    private static LeaderAnswer KnownAnswer(ProposeResult found)
    {
        if (found.Error != Errno.Ok)
        {
            return new LeaderAnswer(found.Error, new Evaluation(), default);
        }

        // An outcome that was too large to be kept is told as what it is: done, but nobody knows how.
        return found.Outcome is { } outcome && OperationCodec.TryDecode(outcome.Span, out var operation)
            ? new LeaderAnswer(Errno.Ok, Evaluation.Of(operation), default)
            : new LeaderAnswer(Errno.EIO, new Evaluation(), default);
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<LeaderAnswer> LogAsync(
        Term term, SessionKey session, Evaluation evaluation, JournalOperation operation)
    {
        operation.Note = session.Note;
        var meta = OperationCodec.Encode(operation);
        if (meta.Length > JournalEntry.MetaMax)
        {
            return new LeaderAnswer(Errno.E2BIG, evaluation, default);
        }

        var proposed = await log.ProposeAsync(term, session, meta, evaluation.Data);
        if (proposed.Error != Errno.Ok || proposed.Outcome is not null)
        {
            return proposed.Error == Errno.Ok
                ? KnownAnswer(proposed) : new LeaderAnswer(proposed.Error, evaluation, default);
        }

        var applied = await redo.ApplyAsync(operation, evaluation.Data, proposed.Entry?.Stored);
        log.Applied(proposed.Index, applied.Error);
        if (applied.Error != Errno.Ok)
        {
            // It is decided that it takes effect, so no failure may be told; the store is behind until it is replayed.
            Volatile.Write(ref _hasFailed, true);
            return new LeaderAnswer(Errno.ENOTCONN, evaluation, applied);
        }

        return new LeaderAnswer(Errno.Ok, evaluation, applied);
    }

    /// <summary>
    /// Holds keys for something that is no operation, once nothing conflicts any more: what answers is to be given to
    /// <see cref="LetGo"/>. 0 when too many wait.
    /// </summary>
    public ValueTask<ulong> HoldAsync(List<ConflictKey> keys) => EnterAsync(keys);

    public void LetGo(ulong number) => Leave(number);

    /// <summary>Waits for its turn; 0 when too many wait.</summary>
    private async ValueTask<ulong> EnterAsync(List<ConflictKey> keys)
    {
        TaskCompletionSource? turn = null;
        ulong number;
        lock (_lock)
        {
            if (_pending.IsFull)
            {
                return 0;
            }

            number = _pending.Enter(keys, out var isReady);
            if (!isReady)
            {
                turn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                _waiting.Add(number, turn);
            }
        }

        if (turn is not null)
        {
            await turn.Task;
        }

        return number;
    }

    private void Leave(ulong number)
    {
        if (number == 0)
        {
            return;
        }

        List<TaskCompletionSource>? turns = null;
        lock (_lock)
        {
            _pending.Leave(number, _ready);
            foreach (var next in _ready)
            {
                if (_waiting.Remove(next, out var turn))
                {
                    (turns ??= []).Add(turn);
                }
            }

            _ready.Clear();
        }

        for (var i = 0; i < turns?.Count; i++)
        {
            turns[i].SetResult();
        }
    }
}
