using Myrmex.Base;
using Myrmex.Graph;
using Myrmex.Wire;

namespace Myrmex.Protocol;

/// <summary>
/// Bodies of the callbacks INODELK_CONTENTION and ENTRYLK_CONTENTION behind their gfid: lock or type, pid, name for an entry lock,
/// domain, dictionary.
/// </summary>
internal static class ContentionCodec
{
    public static int SizeMax(LockContention contention) =>
        128 + XdrWriter.SizeOf(contention.Flock) + XdrWriter.SizeOf(contention.EntryName ?? default)
        + XdrWriter.SizeOf((Name)contention.Domain);

    public static void Write(ref XdrWriter writer, Gfid gfid, LockContention contention)
    {
        writer.WriteGfid(gfid);
        if (contention.EntryName is { } name)
        {
            writer.WriteUInt((uint)contention.Flock.Type);
            writer.WriteInt(contention.Pid);
            writer.WriteName(name);
        }
        else
        {
            writer.WriteFlock(contention.Flock);
            writer.WriteInt(contention.Pid);
        }

        writer.WriteName(contention.Domain);
        writer.WriteOpaque([]);
    }

    /// <summary>Null when the body is malformed.</summary>
    public static LockContention? Read(ref XdrReader reader, uint procedure, ClientIdentity holder)
    {
        Flock flock;
        Name? name = null;
        int pid;
        if (procedure == Programs.EntrylkContention)
        {
            flock = new Flock((LockType)reader.ReadUInt(), 0, 0, 0, 0, default);
            pid = reader.ReadInt();
            name = reader.ReadName().ToOwned();
        }
        else
        {
            flock = reader.ReadFlock();
            pid = reader.ReadInt();
        }

        var domain = reader.ReadName().ToString();
        return reader.Failed ? null : new LockContention(holder, domain, pid) { Flock = flock, EntryName = name };
    }
}
