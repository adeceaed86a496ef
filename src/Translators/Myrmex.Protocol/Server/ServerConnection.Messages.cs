using Myrmex.Base;
using Myrmex.Graph;
using Myrmex.Rpc;
using Myrmex.Wire;

namespace Myrmex.Protocol;

// Messages between the members of a replica set, to what is below the export. They are for those who have logged in
// with the volume's password; for all others the program does not exist, and it is in no list.
public sealed partial class ServerConnection
{
    private void OnPeer(RpcCall head, Payload record, int position)
    {
        if (Attachment is not { IsTrusted: true, Export.Receiver: { } receiver } attachment)
        {
            _connection.Refuse(head.Xid, AcceptStatus.ProgramUnavailable);
        }
        else if (head.Version != Programs.PeerVersion)
        {
            _connection.Refuse(head.Xid, AcceptStatus.ProgramMismatch);
        }
        else if (head.Procedure == Programs.PeerMessage)
        {
            OnMessage(attachment, receiver, head.Xid, record, position);
        }
        else if (head.Procedure == 0)
        {
            _connection.Reply(head.Xid, default(EmptyBody));
        }
        else
        {
            _connection.Refuse(head.Xid, AcceptStatus.ProcedureUnavailable);
        }
    }

    /// <summary>The empty answer says that the receiver has returned: it opens the sender's window.</summary>
    private void OnMessage(
        ServerAttachment attachment, IPeerReceiver receiver, uint xid, Payload record, int position)
    {
        var reader = new XdrReader(record, position);
        if (!PeerMessageBody.TryRead(ref reader, out var head, out var data))
        {
            _connection.Close(Errno.EBADMSG, "malformed message of a member");
            return;
        }

        // What members tell each other frees the memory that their fops hold. Unread, it would be held for ever.
        _connection.Link.YieldsToMemoryLimit = false;
        var limit = attachment.Export.Server.Settings.OutstandingLimit;
        _gate!.Enter(limit); // Set with the attachment. A client that takes no answers is not read, whatever it sends.
        try
        {
            receiver.Receive(head, data);
        }
        finally
        {
            _gate.Leave(limit);
        }

        _connection.Reply(xid, default(EmptyBody));
    }
}
