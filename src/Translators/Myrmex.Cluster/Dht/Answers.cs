using System.Runtime.CompilerServices;
using System.Threading.Tasks;
using Myrmex.Base;

namespace Myrmex.Cluster.Dht;

/// <summary>
/// One fop sent to several subvolumes at once, and their replies. Pooled: <see cref="Rent"/>, Put for each
/// subvolume asked, <see cref="JoinAsync"/> once, then read; replies not taken are released with it.
/// </summary>
internal sealed class Answers<TReply>
    where TReply : Reply, IReply<TReply>
{
    private ValueTask<TReply>[] _tasks = [];
    private bool[] _pending = [];
    private TReply?[] _replies = [];

    public int Count { get; private set; }

    /// <summary>The reply of a subvolume; null when it was not asked or the reply was taken.</summary>
    public TReply? this[int subvolume] => _replies[subvolume];

    public static Answers<TReply> Rent(int count)
    {
        var answers = Pool<Answers<TReply>>.Rent();
        if (answers._tasks.Length < count)
        {
            answers._tasks = new ValueTask<TReply>[count];
            answers._pending = new bool[count];
            answers._replies = new TReply?[count];
        }

        answers.Count = count;
        return answers;
    }

    /// <summary>Notes a fop under way; its reply belongs to this object from here on.</summary>
    public void Put(int subvolume, ValueTask<TReply> task)
    {
        Invariant.Check(!_pending[subvolume] && _replies[subvolume] is null);
        _tasks[subvolume] = task;
        _pending[subvolume] = true;
    }

    /// <summary>Notes a reply that is there already.</summary>
    public void Put(int subvolume, TReply reply)
    {
        Invariant.Check(!_pending[subvolume] && _replies[subvolume] is null);
        _replies[subvolume] = reply;
    }

    /// <summary>Waits for all replies under way.</summary>
    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    public async ValueTask<int> JoinAsync()
    {
        var joined = 0;
        for (var i = 0; i < Count; i++)
        {
            if (_pending[i])
            {
                _pending[i] = false;
                _replies[i] = await _tasks[i];
                _tasks[i] = default;
                joined++;
            }
        }

        return joined;
    }

    /// <summary>Moves a reply out; the caller owns it.</summary>
    public TReply Take(int subvolume)
    {
        var reply = _replies[subvolume];
        Invariant.Check(reply is not null);
        _replies[subvolume] = null;
        return reply;
    }

    /// <summary>Drops the reply of a subvolume.</summary>
    public void Drop(int subvolume)
    {
        _replies[subvolume]?.Release();
        _replies[subvolume] = null;
    }

    /// <summary>Index of the first success at or after <paramref name="from"/>, -1 when there is none.</summary>
    public int FirstOk(int from = 0)
    {
        for (var i = from; i < Count; i++)
        {
            if (_replies[i] is { IsOk: true })
            {
                return i;
            }
        }

        return -1;
    }

    /// <summary>
    /// The error to report when nothing succeeded: one that is not about absence or a lost connection, else a lost
    /// connection, else the absence.
    /// </summary>
    public Errno WorstError()
    {
        var worst = Errno.Ok;
        for (var i = 0; i < Count; i++)
        {
            if (_replies[i] is { IsOk: false } reply && Weight(reply.Error) > Weight(worst))
            {
                worst = reply.Error;
            }
        }

        return worst == Errno.Ok ? Errno.ENOTCONN : worst;
    }

    public void Release()
    {
        for (var i = 0; i < Count; i++)
        {
            Invariant.Check(!_pending[i]);
            Drop(i);
        }

        Count = 0;
        Pool<Answers<TReply>>.Return(this);
    }

    private static int Weight(Errno error) => error switch
    {
        Errno.Ok => 0,
        Errno.ENOENT => 1,
        Errno.ESTALE => 2,
        Errno.ENOTCONN => 3,
        _ => 4,
    };
}
