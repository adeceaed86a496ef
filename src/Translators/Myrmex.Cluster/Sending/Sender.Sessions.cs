using System;
using System.Buffers.Binary;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Runtime;

namespace Myrmex.Cluster.Sending;

/// <summary>The session's beginning and end.</summary>
internal sealed partial class Sender
{
    private async ValueTask<bool> BeginAsync(Session session)
    {
        var error = await SendBeginAsync(session.Id);
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
        _ = await SendBeginAsync(id);
        return true;
    }

    private async ValueTask<Errno> SendBeginAsync(UInt128 id)
    {
        var xdata = XDataOf(id);
        var call = Call.Internal();
        var reply = await SendAsync<IpcFop, IpcReply>(
            new IpcFop { Operation = ChangeRecord.BeginSession, XData = xdata }, call);
        var error = reply.Error;
        reply.Release();
        call.Release();
        xdata.Release();
        return error;
    }

    private static async Task EndAsync(Session session, Server server)
    {
        var xdata = XDataOf(session.Id);
        var call = Call.Internal();
        var reply = await server.Translator.Ipc(
            new IpcFop { Operation = ChangeRecord.EndSession, XData = xdata }, call);
        reply.Release();
        call.Release();
        xdata.Release();
    }

    private static XData XDataOf(UInt128 id)
    {
        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteUInt128BigEndian(bytes, id);
        var xdata = XData.Rent();
        xdata.SetBytes(ChangeRecord.Key, bytes);
        return xdata;
    }
}
