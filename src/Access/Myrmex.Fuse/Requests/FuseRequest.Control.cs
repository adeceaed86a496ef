using System.Runtime.InteropServices;
using Myrmex.Base;
using Myrmex.Fuse.Protocol;

namespace Myrmex.Fuse;

/// <summary>INIT, FORGET, BATCH_FORGET and INTERRUPT.</summary>
internal sealed partial class FuseRequest
{
    private void Init()
    {
        // Older kernels send 16 bytes; flags2 is then 0.
        if (!TryTake(out FuseInitIn argument) && !TryTake(16, out argument))
        {
            Reply(Errno.EIO);
            return;
        }

        var error = _session.Negotiate(in argument, out var answer);
        if (error != Errno.Ok)
        {
            Reply(error);
            return;
        }

        NewBody<FuseInitOut>() = answer;
        var session = _session;
        SendBody();
        session.OnInitialized();
    }

    // FORGET has no reply, not even an error.
    private void Forget()
    {
        if (TryTake(out FuseForgetIn argument))
        {
            Inodes.Forget(Node, argument.Lookups);
        }

        Recycle();
    }

    private void BatchForget()
    {
        if (TryTake(out FuseBatchForgetIn argument))
        {
            var items = MemoryMarshal.Cast<byte, FuseForgetOne>(TailSpan());
            for (var i = 0; i < items.Length && i < argument.Count; i++)
            {
                Inodes.Forget(items[i].Node, items[i].Lookups);
            }
        }

        Recycle();
    }

    // Only a waiting lock can be interrupted; the others are answered soon, or when the connection is given up.
    private void Interrupt()
    {
        if (TryTake(out FuseInterruptIn argument))
        {
            _session.Waiting.Interrupt(argument.Unique);
        }

        Recycle();
    }
}
