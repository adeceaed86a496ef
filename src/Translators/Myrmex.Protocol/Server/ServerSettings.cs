using System;
using Myrmex.Base;
using Myrmex.Graph;
using Myrmex.Runtime;

namespace Myrmex.Protocol;

/// <summary>The options of a server that are read on every call.</summary>
internal sealed class ServerSettings
{
    private readonly bool _rootSquash;
    private readonly bool _allSquash;
    private readonly uint _anonUid;
    private readonly uint _anonGid;
    private readonly GroupResolver? _groups;

    /// <param name="lookUpGroups">See <see cref="GroupResolver"/>.</param>
    public ServerSettings(OptionValues options, Seams seams, Func<uint, uint[]?> lookUpGroups)
    {
        Options = options;
        OutstandingLimit = (int)options.Integer(ServerOptions.OutstandingLimit);
        IsDraining = options.Boolean(ServerOptions.Draining);
        TakesChanges = options.Boolean(ServerOptions.ClientChanges);
        _rootSquash = options.Boolean(ServerOptions.RootSquash);
        _allSquash = options.Boolean(ServerOptions.AllSquash);
        _anonUid = (uint)options.Integer(ServerOptions.AnonUid);
        _anonGid = (uint)options.Integer(ServerOptions.AnonGid);
        if (options.Boolean(ServerOptions.SslEnabled))
        {
            Tls = new TlsOptions(
                options.Text(ServerOptions.SslOwnCert),
                options.Text(ServerOptions.SslPrivateKey),
                options.Text(ServerOptions.SslCaList));
        }

        if (options.Boolean(ServerOptions.ManageGids))
        {
            _groups = new GroupResolver(lookUpGroups, seams.Clock, options.Time(ServerOptions.GidTimeout));
        }
    }

    public OptionValues Options { get; }

    /// <summary>Clients must speak TLS, with these files; null when they need not.</summary>
    public TlsOptions? Tls { get; }

    public int OutstandingLimit { get; }

    /// <summary>Clients that can go elsewhere are asked to.</summary>
    public bool IsDraining { get; }

    /// <summary>What identifies the changes of clients goes down with the call, not in the xdata.</summary>
    public bool TakesChanges { get; }

    /// <summary>Makes the call's identity the one to act as; false when <see cref="Identify"/> has to do it, on a worker.</summary>
    public bool TryIdentify(Call call, bool trusted)
    {
        if (_groups is not null && !_groups.TryApply(call))
        {
            return false;
        }

        Squash(call, trusted);
        return true;
    }

    /// <summary>The same; may wait for the user database.</summary>
    public void Identify(Call call, bool trusted)
    {
        _groups?.Resolve(call);
        Squash(call, trusted);
    }

    /// <summary>Applies root-squash and all-squash; internal clients (negative pid) of trusted logins are left alone.</summary>
    private void Squash(Call call, bool trusted)
    {
        if ((!_rootSquash && !_allSquash) || (trusted && call.Pid < 0))
        {
            return;
        }

        if (_allSquash || call.Uid == 0)
        {
            call.Uid = _anonUid;
            call.SetGroups([]);
        }

        if (_allSquash || call.Gid == 0)
        {
            call.Gid = _anonGid;
        }

        call.ReplaceGroup(0, _anonGid);
    }
}
