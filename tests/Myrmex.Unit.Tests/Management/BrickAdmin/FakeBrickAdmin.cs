using System;
using System.Collections.Concurrent;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Management.BrickAdmin;

namespace Myrmex.Unit.Tests.Management.BrickAdmin;

/// <summary>The brick process of a node; a problem in an answer is thrown, as the real ones do.</summary>
internal sealed class FakeBrickAdmin(Func<BrickRequest, BrickAnswer> answer) : IBrickAdmin
{
    public ConcurrentQueue<BrickRequest> Requests { get; } = new();

    public Task<BrickAnswer> AskAsync(BrickRequest request, CancellationToken cancellation)
    {
        Requests.Enqueue(request);
        var told = answer(request);
        return told.Problem is { } problem ? throw new BrickAdminException(problem) : Task.FromResult(told);
    }
}
