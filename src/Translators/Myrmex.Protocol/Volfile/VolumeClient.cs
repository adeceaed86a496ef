using System;
using System.Collections.Generic;
using System.Threading;
using Myrmex.Base;
using Myrmex.Graph;
using Myrmex.Runtime;

namespace Myrmex.Protocol;

/// <summary>
/// A client of one volume: fetches the volume file, builds the graph, follows changes. The first time the graph is up
/// <see cref="Up"/> is raised; a problem that no waiting will cure raises <see cref="Failed"/> with a text for the user.
/// </summary>
public sealed class VolumeClient : IVolfileListener, IDisposable
{
    private readonly VolfileClient _volfiles;
    private readonly string _key;
    private readonly int _serverCount;
    private int _unreachable;
    private int _wasUp;

    /// <param name="pid">Of this process, when it takes <see cref="StateDumpAsked"/>; else 0.</param>
    public VolumeClient(
        Seams seams,
        IReadOnlyList<TranslatorRegistration> registrations,
        IReadOnlyList<LinkAddress> servers,
        string key,
        GraphOrigin origin,
        int pid = 0)
    {
        _key = key;
        _serverCount = servers.Count;
        _volfiles = new VolfileClient(seams, servers, key, this, pid);
        Host = new GraphHost(registrations, seams, id => origin with
        {
            GraphId = id,
            VolfileServer = _volfiles.Server.Host,
            VolfileKey = key,
        });
        Host.Event += OnGraphEvent;
    }

    public GraphHost Host { get; }

    /// <summary>Raised once, on any thread.</summary>
    public event Action? Up;

    /// <summary>May be raised more than once; never after <see cref="Up"/>.</summary>
    public event Action<string>? Failed;

    /// <summary>An administrator wants a state dump of this process. Handlers must not wait.</summary>
    public event Action? StateDumpAsked;

    public void Start() => _volfiles.Start();

    public void Dispose()
    {
        _volfiles.Dispose();
        Host.Stop();
    }

    void IVolfileListener.OnVolfile(string text)
    {
        try
        {
            Host.Load(text);
        }
        catch (GraphException e)
        {
            Log.Error("volume", "volume file cannot be used; the running graph stays", ("key", _key), ("reason", e.Message));
            Fail($"the volume file of {_key} cannot be used: {e.Message}");
        }
    }

    void IVolfileListener.OnStateDump() => StateDumpAsked?.Invoke();

    void IVolfileListener.OnRefused(LinkAddress server, Errno error) =>
        Fail(error == Errno.ENOENT
            ? $"{server} does not know a volume '{_key}' (see: myrmex volume list)"
            : $"{server} refused the volume file of '{_key}': {error}");

    void IVolfileListener.OnUnreachable(LinkAddress server, Errno error, string reason)
    {
        if (++_unreachable >= _serverCount)
        {
            Fail($"no volume file server can be reached, last tried {server}: {reason} (is the daemon running there?)");
        }
    }

    private void OnGraphEvent(GraphEvent graphEvent)
    {
        if (graphEvent.Kind == GraphEventKind.ChildUp && Interlocked.Exchange(ref _wasUp, 1) == 0)
        {
            Up?.Invoke();
        }
        else if (graphEvent.Kind == GraphEventKind.AuthenticationFailed)
        {
            Fail($"the volume refused this client: {graphEvent.Text}");
        }
    }

    private void Fail(string reason)
    {
        if (Volatile.Read(ref _wasUp) == 0)
        {
            Failed?.Invoke(reason);
        }
    }
}
