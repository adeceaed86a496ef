using System;
using System.Collections.Generic;
using System.Threading;

namespace Myrmex.Protocol;

/// <summary>
/// Knows every request object there is, so that the calls under way can be listed without a list of calls: an object is
/// noted when it is made, and it is made once and used many times.
/// </summary>
internal static class RequestBook
{
    private static readonly Lock Guard = new(); // Guards both fields; a leaf lock.
    private static readonly List<WeakReference<ServerRequest>> Requests = [];
    private static int _pruneAt = 1024;

    public static void Add(ServerRequest request)
    {
        lock (Guard)
        {
            if (Requests.Count >= _pruneAt)
            {
                Requests.RemoveAll(r => !r.TryGetTarget(out _));
                _pruneAt = Math.Max(1024, Requests.Count * 2);
            }

            Requests.Add(new WeakReference<ServerRequest>(request));
        }
    }

    public static List<ServerRequest> All()
    {
        var all = new List<ServerRequest>();
        lock (Guard)
        {
            foreach (var reference in Requests)
            {
                if (reference.TryGetTarget(out var request))
                {
                    all.Add(request);
                }
            }
        }

        return all;
    }
}
