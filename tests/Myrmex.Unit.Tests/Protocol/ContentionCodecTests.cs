using System;
using Myrmex.Base;
using Myrmex.Graph;
using Myrmex.Protocol;
using Myrmex.Wire;
using Xunit;

namespace Myrmex.Unit.Tests.Protocol;

/// <summary>
/// The callbacks as GlusterFS clients read them. Source: program 52743234, procedures 10 (gfid, flock, pid, domain, dictionary) and 11
/// (gfid, type, pid, name, domain, dictionary).
/// </summary>
public sealed class ContentionCodecTests
{
    private const string FileHex = "00000000000000050000000000000006";
    private const string DomainHex = "0000000e" + "766f6c2d64697370657273652d30" + "0000";

    private static readonly Gfid File = new(5, 6);
    private static readonly ClientIdentity Holder = new("client", "address");

    [Fact]
    public void ARangeLockIsAFlockWithItsOwner()
    {
        var flock = new Flock(LockType.Write, 0, 0x100, 0, 7, LkOwner.From(0x0807060504030201));
        Check(
            new LockContention(Holder, "vol-disperse-0", 7) { Flock = flock },
            Programs.InodelkContention,
            FileHex + "00000001" + "00000000" + "0000000000000100" + "0000000000000000" + "00000007"
            + "00000008" + "0102030405060708" + "00000007" + DomainHex + "00000000");
    }

    [Fact]
    public void AnEntryLockHasTypeAndName()
    {
        var flock = new Flock(LockType.Write, 0, 0, 0, 0, default);
        Check(
            new LockContention(Holder, "vol-disperse-0", -6) { Flock = flock, EntryName = "name5" },
            Programs.EntrylkContention,
            FileHex + "00000001" + "fffffffa" + "00000005" + "6e616d6535" + "000000" + DomainHex + "00000000");
    }

    private static void Check(LockContention contention, uint procedure, string expected)
    {
        var writer = new XdrWriter(new byte[ContentionCodec.SizeMax(contention)]);
        ContentionCodec.Write(ref writer, File, contention);
        Assert.Equal(expected, Convert.ToHexStringLower(writer.Written));
        var record = Payload.CopyOf(writer.Written);
        var reader = new XdrReader(record);
        Assert.Equal(File, reader.ReadGfid());
        var read = ContentionCodec.Read(ref reader, procedure, Holder);
        record.Release();
        Assert.Equal((contention.Domain, contention.Pid, contention.Flock), (read!.Domain, read.Pid, read.Flock));
        Assert.Equal(contention.EntryName, read.EntryName);
    }
}
