using System.Collections.Generic;
using System.Linq;
using Myrmex.Base;
using Myrmex.Graph;
using Myrmex.Unit.Tests.Kit;
using Myrmex.Wire;
using Xunit;

namespace Myrmex.Unit.Tests.Graph;

/// <summary>What a fop changes is known of every one that changes something: a cache would else keep what is old.</summary>
public sealed class ChangedInodesTests
{
    private static readonly Gfid One = new(1, 2);
    private static readonly Gfid Other = new(3, 4);

    public static TheoryData<FopCode> Codes => FopSamples.Codes;

    [Theory]
    [MemberData(nameof(Codes))]
    public void EachFopThatChangesSomethingSaysWhat(FopCode code)
    {
        var visitor = new Visitor();
        FopSamples.Visit(code, visitor);
        Assert.Equal(FopTable.TraitsOf(code).HasFlag(FopTraits.Mutates), visitor.Count > 0);
        Assert.Equal(
            FopTable.TraitsOf(code).HasFlag(FopTraits.Mutates) && FopTable.TraitsOf(code).HasFlag(FopTraits.Entry),
            visitor.HasTarget);
    }

    [Fact]
    public void ARenameChangesBothDirectoriesAndBothNames()
    {
        var changed = ChangedInodes.By(
            new RenameFop { OldParent = One, OldName = "a", NewParent = Other, NewName = "b" });
        Assert.Equal(2, changed.Count);
        Assert.Equal(new HashSet<Gfid> { One, Other }, [changed[0], changed[1]]);
        Assert.Equal((One, "a"), (changed.Source.Parent, changed.Source.Name.ToString()));
        Assert.Equal((Other, "b"), (changed.Target.Parent, changed.Target.Name.ToString()));
        Assert.True(changed.ChangesTarget);
        Assert.Equal(1, ChangedInodes.By(new RenameFop { OldParent = One, NewParent = One }).Count);
    }

    [Fact]
    public void TruncationAtOpenIsAChange()
    {
        var fd = new Fd(One, 0, isDirectory: false, 1);
        Assert.True(ChangedInodes.By(new OpenFop { Gfid = One, Fd = fd, Flags = OpenFlags.ReadWrite }).IsNothing);
        Assert.Equal(One, ChangedInodes.By(new OpenFop { Gfid = One, Fd = fd, Flags = OpenFlags.Truncate })[0]);
        Assert.False(ChangedInodes.By(new CreateFop { Parent = One, Name = "a", Fd = fd }).ChangesTarget);
        Assert.True(ChangedInodes.By(
            new CreateFop { Parent = One, Name = "a", Fd = fd, Flags = OpenFlags.Truncate }).ChangesTarget);
    }

    [Theory]
    [InlineData("user.a", false)]
    [InlineData("security.a", false)]
    [InlineData("trusted.distribute.migrate-data", true)]
    [InlineData("glusterfs.clrlk", true)]
    public void AnAttributeThatMayBeAnOrderMayChangeAnything(string name, bool mayChangeAnything)
    {
        var values = XData.Rent();
        values.SetBytes(System.Text.Encoding.UTF8.GetBytes(name), [1]);
        Assert.Equal(
            mayChangeAnything,
            ChangedInodes.By(new SetxattrFop { Gfid = One, Values = values }).MayChangeAnything);
        values.Release();
    }

    private sealed class Visitor : IFopVisitor
    {
        public int Count { get; private set; }

        public bool HasTarget { get; private set; }

        public void Visit<TFop, TReply, TCodec>()
            where TFop : struct, IFop<TFop, TReply>
            where TReply : Reply, IReply<TReply>
            where TCodec : struct, IFopCodec<TFop, TReply>
        {
            object fop = default(TFop);
            foreach (var property in typeof(TFop).GetProperties().Where(p => p.CanWrite))
            {
                if (property.PropertyType == typeof(Gfid))
                {
                    property.SetValue(fop, One);
                }
                else if (property.PropertyType == typeof(Fd))
                {
                    property.SetValue(fop, new Fd(One, 0, isDirectory: false, 1));
                }
                else if (property.PropertyType == typeof(Name))
                {
                    property.SetValue(fop, (Name)"name");
                }
            }

            var changed = ChangedInodes.By((TFop)fop);
            Count = changed.Count;
            HasTarget = !changed.Target.Parent.IsNull;
        }
    }
}
