using System;

namespace Myrmex.Runtime.Linux;

/// <summary>What this machine knows of users. May wait for a directory service: not on a loop.</summary>
public static class UserDatabase
{
    private const int EntryBytesMax = 1 << 20;
    private const int GroupsMax = 65536;

    /// <summary>All groups of a user, the primary one included; null when the uid is not known or cannot be looked up.</summary>
    public static unsafe uint[]? GroupsOf(uint uid)
    {
        for (var size = 4096; size <= EntryBytesMax; size *= 4)
        {
            fixed (byte* buffer = new byte[size])
            {
                Sys.Passwd entry;
                Sys.Passwd* found = null;
                var error = Sys.GetPwUid(uid, &entry, buffer, (nuint)size, &found);
                if (error == (int)Base.Errno.ERANGE)
                {
                    continue;
                }

                return error == 0 && found is not null ? GroupsOf(entry.Name, entry.Gid) : null;
            }
        }

        return null;
    }

    private static unsafe uint[]? GroupsOf(byte* user, uint primary)
    {
        for (var room = 64; room <= GroupsMax; room *= 4)
        {
            var groups = new uint[room];
            fixed (uint* pointer = groups)
            {
                var count = room;
                if (Sys.GetGroupList(user, primary, pointer, &count) >= 0)
                {
                    return groups.AsSpan(0, count).ToArray();
                }
            }
        }

        return null;
    }
}
