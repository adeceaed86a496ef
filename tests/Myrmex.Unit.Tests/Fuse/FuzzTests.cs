using System;
using System.Runtime.InteropServices;
using Myrmex.Fuse.Protocol;
using Myrmex.Unit.Tests.Kit;
using Xunit;

namespace Myrmex.Unit.Tests.Fuse;

/// <summary>Bytes that no kernel would send end in an error reply (or none for FORGET), never in an exception or a leak.</summary>
public sealed class FuzzTests
{
    private const int Requests = 20_000;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void RandomRequestsNeverCrashTheSession(int seed)
    {
        var random = new Random(seed);
        var time = new ManualTime();
        using (var kernel = new TestKernel(TestGraphs.MemoryWithLocks(time), time: time))
        {
            var file = kernel.Create(1, "a");
            kernel.Create(1, "b");
            kernel.IsQuiet = true;
            for (var i = 0; i < Requests; i++)
            {
                kernel.Uid = (uint)random.Next(2);
                kernel.Deliver(Message(random, file, (ulong)i));
                time.RunPosted();
            }

            Assert.True(kernel.ReplyCount > Requests / 2);
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(39)]
    [InlineData(40)]
    [InlineData(41)]
    [InlineData(400)]
    public void AMessageWhoseLengthIsNotTrueIsDropped(int length)
    {
        var time = new ManualTime();
        using var kernel = new TestKernel(TestGraphs.Memory(time), time: time);
        var message = new byte[length];
        if (length >= FuseInHeader.Size)
        {
            var header = new FuseInHeader { Length = (uint)length + 1, Opcode = FuseOpcode.Getattr, Unique = 9, Node = 1 };
            MemoryMarshal.Write(message, in header);
        }

        Assert.False(kernel.Deliver(message));
    }

    private static byte[] Message(Random random, FuseCreateOut file, ulong unique)
    {
        var message = new byte[FuseInHeader.Size + random.Next(random.Next(4) == 0 ? 5000 : 200)];
        random.NextBytes(message);
        if (random.Next(2) == 0)
        {
            // Small numbers and zeros get further than noise.
            for (var i = FuseInHeader.Size; i < message.Length; i++)
            {
                message[i] = (byte)(random.Next(3) == 0 ? random.Next(4) : 0);
            }
        }

        if (message.Length >= FuseInHeader.Size + 8 && random.Next(2) == 0)
        {
            MemoryMarshal.Write(message.AsSpan(FuseInHeader.Size), in file.Open.Handle);
        }

        var header = new FuseInHeader
        {
            Length = (uint)message.Length,
            Opcode = PickOpcode(random),
            Unique = 1_000_000 + (unique * 2),
            Node = random.Next(3) switch { 0 => 1, 1 => file.Entry.Node, _ => (ulong)random.NextInt64() },
            Uid = (uint)random.Next(2),
            Pid = 1,
        };
        MemoryMarshal.Write(message, in header);
        return message;
    }

    // Not INIT again; not the forgetting of the file whose handle is used.
    private static FuseOpcode PickOpcode(Random random)
    {
        while (true)
        {
            var opcode = (FuseOpcode)random.Next(1, 60);
            if (opcode is not (FuseOpcode.Init or FuseOpcode.Forget or FuseOpcode.BatchForget))
            {
                return opcode;
            }
        }
    }
}
