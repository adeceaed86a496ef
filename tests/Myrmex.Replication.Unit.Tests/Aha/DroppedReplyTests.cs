using System;
using System.Linq;
using Myrmex.Base;
using Myrmex.Unit.Tests.Kit;
using Myrmex.Wire;
using Xunit;

namespace Myrmex.Replication.Unit.Tests.AhaTests;

/// <summary>
/// Every fop that changes something: it takes effect, its answer is lost and the connection cut, as often as one likes.
/// The application gets the first outcome, and there is only one.
/// </summary>
public sealed class DroppedReplyTests
{
    /// <summary>All that change the volume; an OPEN that cuts a file as well.</summary>
    public static TheoryData<FopCode, int, bool> Cases
    {
        get
        {
            var data = new TheoryData<FopCode, int, bool>();
            foreach (var code in FopSamples.AllCodes.Where(c => c.Has(FopTraits.Mutates)).Append(FopCode.Open))
            {
                foreach (var losses in new[] { 1, 2, 5 })
                {
                    data.Add(code, losses, true);
                    data.Add(code, losses, false);
                }
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void AnswersThatAreLostAreAskedForAgain(FopCode code, int losses, bool succeeds)
    {
        var bed = new AhaBed(seed: (ulong)code);
        FopSamples.Visit(code, new Sender(bed, losses, succeeds ? Errno.Ok : Errno.ENOSPC));
        Assert.Equal(losses, bed.Store.Repeats);
        Assert.Equal(0, bed.Store.Unmarked);
        Assert.Equal("0", bed.Get("kept.fops"));
        Assert.Equal("0", bed.Get("session.outstanding"));
    }

    private sealed class Sender(AhaBed bed, int losses, Errno outcome) : IFopVisitor
    {
        private int _executed;
        private int _lost;

        public void Visit<TFop, TReply, TCodec>()
            where TFop : struct, IFop<TFop, TReply>
            where TReply : Reply, IReply<TReply>
            where TCodec : struct, IFopCodec<TFop, TReply>
        {
            var fd = bed.Create("first");
            var second = bed.Create("second");
            var before = bed.Store.Executed.Count;
            bed.Store.Instead = _ =>
            {
                _executed++;
                return outcome;
            };
            foreach (var proxy in bed.Proxies)
            {
                proxy.Executed = code =>
                {
                    if (code != TFop.Code || _lost >= losses)
                    {
                        return false;
                    }

                    _lost++;
                    bed.World.After(0, () => bed.World.Network.DropLinks(bed.Node, proxy.Node));
                    return true;
                };
            }

            var fop = NewFop<TFop>(fd, second);
            var error = bed.Do((client, call) => TFop.Invoke(client, in fop, call));
            var isOpen = typeof(TFop) == typeof(OpenFop);
            Assert.Equal(isOpen ? Errno.Ok : outcome, error);
            Assert.Equal(losses, _lost);
            Assert.Equal(before + 1, bed.Store.Executed.Count);
            Assert.Equal(isOpen ? 0 : 1, _executed); // The volume itself has executed an OPEN.
        }

        private static TFop NewFop<TFop>(Fd fd, Fd second)
            where TFop : struct
        {
            object fop = FopSamples.NewFop<TFop>(new Random(7), fd, second);
            foreach (var property in typeof(TFop).GetProperties())
            {
                if (property.Name is "Name" or "OldName" or "NewName" or "Target" && property.PropertyType == typeof(Name))
                {
                    property.SetValue(fop, (Name)(property.Name + "-of-it"));
                }
            }

            return fop switch
            {
                OpenFop open => (TFop)(object)(open with
                {
                    Gfid = fd.Gfid,
                    Flags = OpenFlags.ReadWrite | OpenFlags.Truncate,
                    Fd = new Fd(fd.Gfid, OpenFlags.ReadWrite, isDirectory: false, slotCount: 8),
                }),
                CreateFop create => (TFop)(object)(create with
                {
                    Fd = new Fd(Gfid.Null, OpenFlags.ReadWrite, isDirectory: false, slotCount: 8),
                }),
                _ => (TFop)fop,
            };
        }
    }
}
