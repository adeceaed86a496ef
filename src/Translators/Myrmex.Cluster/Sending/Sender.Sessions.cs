using System;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Runtime;

namespace Myrmex.Cluster.Sending;

/// <summary>The session's beginning and end.</summary>
internal sealed partial class Sender
{
    private async ValueTask<bool> BeginAsync(Session session)
    {
        var xdata = IdOf(session);
        var call = Call.Internal();
        var reply = await SendAsync<IpcFop, IpcReply>(
            new IpcFop { Operation = SessionKeys.BeginSession, XData = xdata }, call);
        var error = reply.Error;
        reply.Release();
        call.Release();
        xdata.Release();
        if (error is not (Errno.Ok or Errno.ENOTCONN) && error != _beginError)
        {
            Log.Warning(
                _rules.Name, "no session can be begun: changes wait", ("volume", _volume), ("errno", error));
        }

        _beginError = error;
        return error == Errno.Ok;
    }

    /// <summary>
    /// Begins a session of a client further up; true whatever came of it: that shows when the step is sent again.
    /// </summary>
    private async ValueTask<bool> BeginForAsync(UInt128 id)
    {
        var xdata = IdOf(new Session(id, 0));
        var call = Call.Internal();
        var reply = await SendAsync<IpcFop, IpcReply>(
            new IpcFop { Operation = SessionKeys.BeginSession, XData = xdata }, call);
        reply.Release();
        call.Release();
        xdata.Release();
        return true;
    }

    private static async Task EndAsync(Session session, Server server)
    {
        var xdata = IdOf(session);
        var call = Call.Internal();
        var reply = await server.Translator.Ipc(
            new IpcFop { Operation = SessionKeys.EndSession, XData = xdata }, call);
        reply.Release();
        call.Release();
        xdata.Release();
    }

    private static XData IdOf(Session session)
    {
        Span<byte> id = stackalloc byte[16];
        session.WriteId(id);
        var xdata = XData.Rent();
        xdata.SetBytes(SessionKeys.Session, id);
        return xdata;
    }
}
