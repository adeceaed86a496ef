using Myrmex.Base;
using Myrmex.Graph;
using Myrmex.Wire;

namespace Myrmex.Protocol;

// The promises that caches of our proxies live by. Source: docs/reference/cache-leases.md.
public sealed partial class ServerConnection
{
    private void OnCacheLease(RpcCall head, Payload record, int position)
    {
        var reader = new XdrReader(record, position);
        var handled = (ulong)reader.ReadLong();
        if (reader.Failed || reader.Remaining != 0)
        {
            _connection.Close(Errno.EBADMSG, "malformed request for a cache lease");
            return;
        }

        if (Attachment is not { } attachment)
        {
            _connection.Close(Errno.EPROTO, "cache lease before SETVOLUME");
            return;
        }

        // Whoever holds one lets others wait; so it is for those who have the password of the volume.
        var grants = attachment is { IsTrusted: true, RootAlias.IsNull: true } ? attachment.Export.Grants : null;
        if (head.Procedure == Programs.CacheHandled)
        {
            grants?.Handled(attachment.Identity, handled);
            return;
        }

        var grant = grants?.Renew(attachment.Identity, handled, SendCacheChange) ?? CacheGrant.None;
        _connection.Reply(head.Xid, new CacheGrantBody(grant));
    }

    private void SendCacheChange(Gfid gfid, ulong number) => _connection.SendOneWay(
        new RpcCall(1, Programs.Extension, Programs.ExtensionVersion, Programs.CacheChange),
        new CacheChangeBody(gfid, number));
}
