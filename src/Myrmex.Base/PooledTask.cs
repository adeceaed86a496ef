using System;
using System.Runtime.CompilerServices;
using System.Threading.Tasks;
using System.Threading.Tasks.Sources;

namespace Myrmex.Base;

/// <summary>
/// Builder for async fop methods that suspend often: the state machine lives in a box from a pool, so a suspended fop
/// allocates nothing in the steady state, whichever threads start and end it. It does not flow the ExecutionContext. Use it as
/// <c>[AsyncMethodBuilder(typeof(PooledTaskBuilder&lt;&gt;))]</c>; the ValueTask must be awaited exactly once.
/// </summary>
public struct PooledTaskBuilder<TResult>
{
    private PooledBox<TResult>? _box;
    private TResult _result;
    private bool _hasResult;

    public static PooledTaskBuilder<TResult> Create() => default;

    public readonly ValueTask<TResult> Task =>
        _hasResult ? new ValueTask<TResult>(_result) : new ValueTask<TResult>(_box!, _box!.Version);

    public readonly void Start<TStateMachine>(ref TStateMachine stateMachine)
        where TStateMachine : IAsyncStateMachine => stateMachine.MoveNext();

    public readonly void SetStateMachine(IAsyncStateMachine stateMachine)
    {
    }

    public void SetResult(TResult result)
    {
        if (_box is null)
        {
            _result = result;
            _hasResult = true;
        }
        else
        {
            _box.SetResult(result);
        }
    }

    public void SetException(Exception exception)
    {
        // Created here when the method failed before its first suspension.
        _box ??= PooledBox<TResult>.ForException();
        _box.SetException(exception);
    }

    public void AwaitOnCompleted<TAwaiter, TStateMachine>(ref TAwaiter awaiter, ref TStateMachine stateMachine)
        where TAwaiter : INotifyCompletion
        where TStateMachine : IAsyncStateMachine
    {
        awaiter.OnCompleted(BoxOf(ref stateMachine));
    }

    public void AwaitUnsafeOnCompleted<TAwaiter, TStateMachine>(ref TAwaiter awaiter, ref TStateMachine stateMachine)
        where TAwaiter : ICriticalNotifyCompletion
        where TStateMachine : IAsyncStateMachine
    {
        awaiter.UnsafeOnCompleted(BoxOf(ref stateMachine));
    }

    private Action BoxOf<TStateMachine>(ref TStateMachine stateMachine)
        where TStateMachine : IAsyncStateMachine
    {
        if (_box is null)
        {
            var box = PooledBox<TResult, TStateMachine>.Rent();
            // The builder is a field of the state machine: it must know its box before the machine is copied into it.
            _box = box;
            box.StateMachine = stateMachine;
        }

        return _box.MoveNextAction;
    }
}

/// <summary>The part of a box that does not depend on the state machine.</summary>
internal abstract class PooledBox<TResult> : IValueTaskSource<TResult>
{
    private ManualResetValueTaskSourceCore<TResult> _core;

    public abstract Action MoveNextAction { get; }

    public short Version => _core.Version;

    public static PooledBox<TResult> ForException() => new ExceptionBox();

    public void SetResult(TResult result) => _core.SetResult(result);

    public void SetException(Exception exception) => _core.SetException(exception);

    public TResult GetResult(short token)
    {
        // A second await has an old token and one that is too early finds no result: neither may recycle the box, which
        // may serve another fop by now. GetStatus checks the token.
        if (_core.GetStatus(token) == ValueTaskSourceStatus.Pending)
        {
            throw new InvalidOperationException("the result was taken before it was there");
        }

        try
        {
            return _core.GetResult(token);
        }
        finally
        {
            _core.Reset();
            Recycle();
        }
    }

    public ValueTaskSourceStatus GetStatus(short token) => _core.GetStatus(token);

    /// <summary>The flags ask for contexts of the awaiter, which are ignored: continuations run where the result is made.</summary>
    public void OnCompleted(
        Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _core.OnCompleted(continuation, state, token, ValueTaskSourceOnCompletedFlags.None);

    protected abstract void Recycle();

    private sealed class ExceptionBox : PooledBox<TResult>
    {
        public override Action MoveNextAction => throw new InvalidOperationException();

        protected override void Recycle()
        {
        }
    }
}

internal sealed class PooledBox<TResult, TStateMachine> : PooledBox<TResult>
    where TStateMachine : IAsyncStateMachine
{
    public TStateMachine StateMachine = default!;

    public PooledBox()
    {
        MoveNextAction = () => StateMachine.MoveNext();
    }

    public override Action MoveNextAction { get; }

    public static PooledBox<TResult, TStateMachine> Rent() => Pool<PooledBox<TResult, TStateMachine>>.Rent();

    protected override void Recycle()
    {
        StateMachine = default!; // Set again before the box is used.
        Pool<PooledBox<TResult, TStateMachine>>.Return(this);
    }
}
