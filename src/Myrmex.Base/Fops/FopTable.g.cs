// Generated from src/fops.txt by tools/FopGen. Do not edit.
#nullable enable
namespace Myrmex.Base;

/// <summary>Procedure numbers of program 1298437 version 400.</summary>
public enum FopCode
{
    None = 0,
    Stat = 1,
    Readlink = 2,
    Mknod = 3,
    Mkdir = 4,
    Unlink = 5,
    Rmdir = 6,
    Symlink = 7,
    Rename = 8,
    Link = 9,
    Truncate = 10,
    Open = 11,
    Read = 12,
    Write = 13,
    Statfs = 14,
    Flush = 15,
    Fsync = 16,
    Setxattr = 17,
    Getxattr = 18,
    Removexattr = 19,
    Opendir = 20,
    Fsyncdir = 21,
    Access = 22,
    Create = 23,
    Ftruncate = 24,
    Fstat = 25,
    Lk = 26,
    Lookup = 27,
    Readdir = 28,
    Inodelk = 29,
    Finodelk = 30,
    Entrylk = 31,
    Fentrylk = 32,
    Xattrop = 33,
    Fxattrop = 34,
    Fgetxattr = 35,
    Fsetxattr = 36,
    Rchecksum = 37,
    Setattr = 38,
    Fsetattr = 39,
    Readdirp = 40,
    Release = 41,
    Releasedir = 42,
    Fremovexattr = 43,
    Fallocate = 44,
    Discard = 45,
    Zerofill = 46,
    Ipc = 47,
    Seek = 48,
    Lease = 50,
    Getactivelk = 51,
    Setactivelk = 52,
    Icreate = 53,
    Namelink = 54,
    Put = 55,
    CopyFileRange = 56,
}

public static partial class FopTable
{
    /// <summary>One more than the highest procedure number.</summary>
    public const int CodeLimit = 57;

    private static readonly FopTraits[] TraitsByCode = MakeTraits();

    private static FopTraits[] MakeTraits()
    {
        var traits = new FopTraits[CodeLimit];
        traits[1] = FopTraits.Exists | FopTraits.Idempotent;
        traits[2] = FopTraits.Exists | FopTraits.Idempotent;
        traits[3] = FopTraits.Exists | FopTraits.Mutates | FopTraits.Brief | FopTraits.Entry;
        traits[4] = FopTraits.Exists | FopTraits.Mutates | FopTraits.Brief | FopTraits.Entry;
        traits[5] = FopTraits.Exists | FopTraits.Mutates | FopTraits.Brief | FopTraits.Entry;
        traits[6] = FopTraits.Exists | FopTraits.Mutates | FopTraits.Brief | FopTraits.Entry;
        traits[7] = FopTraits.Exists | FopTraits.Mutates | FopTraits.Brief | FopTraits.Entry;
        traits[8] = FopTraits.Exists | FopTraits.Mutates | FopTraits.Brief | FopTraits.Entry;
        traits[9] = FopTraits.Exists | FopTraits.Mutates | FopTraits.Brief | FopTraits.Entry;
        traits[10] = FopTraits.Exists | FopTraits.Mutates | FopTraits.Idempotent | FopTraits.Blocks;
        traits[11] = FopTraits.Exists;
        traits[12] = FopTraits.Exists | FopTraits.Idempotent | FopTraits.Bulk | FopTraits.OnFd;
        traits[13] = FopTraits.Exists | FopTraits.Mutates | FopTraits.Idempotent | FopTraits.Bulk | FopTraits.OnFd;
        traits[14] = FopTraits.Exists | FopTraits.Idempotent;
        traits[15] = FopTraits.Exists | FopTraits.Idempotent | FopTraits.OnFd;
        traits[16] = FopTraits.Exists | FopTraits.Idempotent | FopTraits.Blocks | FopTraits.OnFd;
        traits[17] = FopTraits.Exists | FopTraits.Mutates | FopTraits.Idempotent | FopTraits.Brief;
        traits[18] = FopTraits.Exists | FopTraits.Idempotent;
        traits[19] = FopTraits.Exists | FopTraits.Mutates | FopTraits.Brief;
        traits[20] = FopTraits.Exists;
        traits[21] = FopTraits.Exists | FopTraits.Idempotent | FopTraits.Blocks | FopTraits.OnFd;
        traits[22] = FopTraits.Exists | FopTraits.Idempotent;
        traits[23] = FopTraits.Exists | FopTraits.Mutates | FopTraits.Brief | FopTraits.Entry;
        traits[24] = FopTraits.Exists | FopTraits.Mutates | FopTraits.Idempotent | FopTraits.Blocks | FopTraits.OnFd;
        traits[25] = FopTraits.Exists | FopTraits.Idempotent | FopTraits.OnFd;
        traits[26] = FopTraits.Exists | FopTraits.OnFd;
        traits[27] = FopTraits.Exists | FopTraits.Idempotent | FopTraits.Entry;
        traits[28] = FopTraits.Exists | FopTraits.Idempotent | FopTraits.Brief | FopTraits.OnFd;
        traits[29] = FopTraits.Exists;
        traits[30] = FopTraits.Exists | FopTraits.OnFd;
        traits[31] = FopTraits.Exists;
        traits[32] = FopTraits.Exists | FopTraits.OnFd;
        traits[33] = FopTraits.Exists | FopTraits.Mutates | FopTraits.Brief;
        traits[34] = FopTraits.Exists | FopTraits.Mutates | FopTraits.Brief | FopTraits.OnFd;
        traits[35] = FopTraits.Exists | FopTraits.Idempotent | FopTraits.OnFd;
        traits[36] = FopTraits.Exists | FopTraits.Mutates | FopTraits.Idempotent | FopTraits.Brief | FopTraits.OnFd;
        traits[37] = FopTraits.Exists | FopTraits.Idempotent | FopTraits.Blocks | FopTraits.OnFd;
        traits[38] = FopTraits.Exists | FopTraits.Mutates | FopTraits.Idempotent | FopTraits.Brief;
        traits[39] = FopTraits.Exists | FopTraits.Mutates | FopTraits.Idempotent | FopTraits.Brief | FopTraits.OnFd;
        traits[40] = FopTraits.Exists | FopTraits.Idempotent | FopTraits.Brief | FopTraits.OnFd;
        traits[41] = FopTraits.Exists | FopTraits.OnFd;
        traits[42] = FopTraits.Exists | FopTraits.OnFd;
        traits[43] = FopTraits.Exists | FopTraits.Mutates | FopTraits.Brief | FopTraits.OnFd;
        traits[44] = FopTraits.Exists | FopTraits.Mutates | FopTraits.Idempotent | FopTraits.Blocks | FopTraits.OnFd;
        traits[45] = FopTraits.Exists | FopTraits.Mutates | FopTraits.Idempotent | FopTraits.Blocks | FopTraits.OnFd;
        traits[46] = FopTraits.Exists | FopTraits.Mutates | FopTraits.Idempotent | FopTraits.Blocks | FopTraits.OnFd;
        traits[47] = FopTraits.Exists;
        traits[48] = FopTraits.Exists | FopTraits.Idempotent | FopTraits.OnFd;
        traits[50] = FopTraits.Exists;
        traits[51] = FopTraits.Exists | FopTraits.Idempotent;
        traits[52] = FopTraits.Exists;
        traits[53] = FopTraits.Exists | FopTraits.Mutates | FopTraits.Brief;
        traits[54] = FopTraits.Exists | FopTraits.Mutates | FopTraits.Brief | FopTraits.Entry;
        traits[55] = FopTraits.Exists | FopTraits.Mutates | FopTraits.Blocks | FopTraits.Entry | FopTraits.Bulk;
        traits[56] = FopTraits.Exists | FopTraits.Mutates | FopTraits.Idempotent | FopTraits.Blocks | FopTraits.OnFd;
        return traits;
    }
}
