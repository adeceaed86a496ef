using Myrmex.Base;
using Myrmex.Graph;

namespace Myrmex.Protocol;

/// <summary>The options of a server that are read on every call.</summary>
internal sealed class ServerSettings(OptionValues options)
{
    private readonly bool _rootSquash = options.Boolean(ServerOptions.RootSquash);
    private readonly bool _allSquash = options.Boolean(ServerOptions.AllSquash);
    private readonly uint _anonUid = (uint)options.Integer(ServerOptions.AnonUid);
    private readonly uint _anonGid = (uint)options.Integer(ServerOptions.AnonGid);

    public OptionValues Options { get; } = options;

    public int OutstandingLimit { get; } = (int)options.Integer(ServerOptions.OutstandingLimit);

    /// <summary>Applies root-squash and all-squash; internal clients (negative pid) of trusted logins are left alone.</summary>
    public void Squash(Call call, bool trusted)
    {
        if (!_rootSquash && !_allSquash)
        {
            return;
        }

        if (trusted && call.Pid < 0)
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
    }
}
