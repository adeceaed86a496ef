using System;
using System.Collections.Generic;
using System.Linq;
using System.Reflection;
using System.Threading;
using Myrmex.Base;
using Xunit;

namespace Myrmex.Unit.Tests.Base;

/// <summary>What is rented comes back clean, once, and wherever it is returned.</summary>
public sealed class PoolTests
{
    public static TheoryData<string> ReplyTypes =>
        [.. typeof(Reply).Assembly.GetTypes().Where(t => t.IsSubclassOf(typeof(Reply))).Select(t => t.Name).Order()];

    [Fact]
    public void ObjectsReturnedOnAnotherThreadAreUsedAgain()
    {
        // One thread rents, the other returns, as with requests that start on a loop and end on a worker.
        for (var round = 0; round < 3; round++)
        {
            var batch = new List<Thing>();
            OnThread(() => batch.AddRange(Enumerable.Range(0, 500).Select(_ => Pool<Thing>.Rent())));
            OnThread(() => batch.ForEach(Pool<Thing>.Return));
        }

        Assert.InRange(Thing.Made, 500, 700);
    }

    [Fact]
    public void AnOverflowingPoolForgets()
    {
        var things = Enumerable.Range(0, 20_000).Select(_ => new Other()).ToList();
        OnThread(() => things.ForEach(Pool<Other>.Return));
        var weak = new WeakReference(things[0]);
        var made = 0;
        OnThread(() =>
        {
            var known = things.ToHashSet();
            made = Enumerable.Range(0, 20_000).Count(_ => !known.Contains(Pool<Other>.Rent()));
        });
        Assert.InRange(made, 10_000, 12_000);
        Assert.NotNull(weak);
    }

    [Theory]
    [MemberData(nameof(ReplyTypes))]
    public void AReplyComesBackClean(string name)
    {
        var type = typeof(Reply).Assembly.GetType("Myrmex.Base." + name)!;
        var rent = type.GetMethod("Rent", BindingFlags.Public | BindingFlags.Static)!;
        var reply = (Reply)rent.Invoke(null, null)!;
        reply.Error = Errno.EIO;
        reply.OpRet = 5;
        reply.Hint = Errno.ENOENT;
        reply.NeedXData().SetInt("a"u8, 1);
        foreach (var field in type.GetFields(BindingFlags.Public | BindingFlags.Instance))
        {
            Fill(field, reply);
        }

        reply.Release();
        var again = (Reply)rent.Invoke(null, null)!;
        Assert.Same(reply, again);
        Assert.Equal((Errno.Ok, 0, Errno.Ok), (again.Error, again.OpRet, again.Hint));
        Assert.Null(again.XData);
        foreach (var field in type.GetFields(BindingFlags.Public | BindingFlags.Instance))
        {
            AssertClean(field.GetValue(again));
        }

        again.Release();
        Assert.Throws<InvariantException>(again.Release);
    }

    [Fact]
    public void ACallComesBackClean()
    {
        var call = Call.Rent();
        call.Pid = 4;
        call.Uid = 5;
        call.Gid = 6;
        call.LockOwner = LkOwner.From(7);
        call.TimeFlags = TimeFlags.Ctime;
        call.CtimeSeconds = 8;
        call.CtimeNanoseconds = 9;
        call.Client = new ClientIdentity("a", "b");
        call.SetGroups(new uint[70_000]);
        Assert.Equal(Call.ResolvedGroupsMax, call.Groups.Length);
        call.Release();
        Assert.Throws<InvariantException>(call.Release);
        var again = Call.Rent();
        Assert.Same(call, again);
        Assert.Equal((0, 0u, 0u, TimeFlags.None, 0L, 0u), (
            again.Pid, again.Uid, again.Gid, again.TimeFlags, again.CtimeSeconds, again.CtimeNanoseconds));
        Assert.Equal(0, again.LockOwner.Length);
        Assert.Null(again.Client);
        Assert.True(again.Groups.IsEmpty);
        again.Release();
    }

    [Fact]
    public void IdentityIsCopiedWithAllGroups()
    {
        var call = Call.Rent();
        call.Uid = 5;
        call.SetGroups(Enumerable.Range(0, 300).Select(i => (uint)i).ToArray());
        call.ReplaceGroup(0, 99);
        var copy = Call.Rent();
        copy.CopyIdentityFrom(call);
        Assert.Equal(300, copy.Groups.Length);
        Assert.Equal(99u, copy.Groups[0]);
        Assert.Equal(299u, copy.Groups[299]);
        call.Release();
        copy.Release();
    }

    private static void OnThread(Action action)
    {
        var thread = new Thread(() => action());
        thread.Start();
        thread.Join();
    }

    private static void Fill(FieldInfo field, Reply reply)
    {
        switch (field.GetValue(reply))
        {
            case DirEntries entries:
                entries.Add("name"u8).XData = XData.Rent();
                break;
            case Payload:
                field.SetValue(reply, Payload.CopyOf([1, 2]));
                break;
            case Iatt:
                field.SetValue(reply, new Iatt { Size = 4 });
                break;
            case Name:
                field.SetValue(reply, (Name)"name");
                break;
            case LockItem[]:
                field.SetValue(reply, new LockItem[1]);
                break;
            case null:
                field.SetValue(reply, XData.Rent());
                break;
            case long:
                field.SetValue(reply, 7L);
                break;
        }
    }

    private static void AssertClean(object? value)
    {
        switch (value)
        {
            case DirEntries entries:
                Assert.Equal(0, entries.Count);
                break;
            case Payload payload:
                Assert.Null(payload.Buffer);
                break;
            case LockItem[] locks:
                Assert.Empty(locks);
                break;
            case null:
                break;
            default:
                Assert.Equal(Activator.CreateInstance(value.GetType()), value);
                break;
        }
    }

    private sealed class Thing
    {
        public static int Made;

        public Thing()
        {
            Interlocked.Increment(ref Made);
        }
    }

    private sealed class Other;
}
