using System.Linq;
using System.Text;
using Myrmex.Base;
using Myrmex.Graph;
using Myrmex.Performance;
using Myrmex.Unit.Tests.Kit;
using Xunit;

namespace Myrmex.Unit.Tests.Performance;

/// <summary>Rules of performance/quick-read by example.</summary>
[Collection("payload pool")]
public sealed class QuickReadTests
{
    private static readonly Gfid File = new(1, 2);
    private static readonly Fd OpenFd = new(File, OpenFlags.ReadOnly, false, 2);

    private readonly ManualTime _time = new();
    private readonly Script _script;
    private readonly QuickRead _translator;
    private readonly Call _call = Call.Rent();
    private byte[] _content = Encoding.UTF8.GetBytes("0123456789");
    private uint _mtimeNsec;
    private long _mtime = 1_600_000_000;

    public QuickReadTests()
    {
        var bottom = ScriptedTranslator.Create(_time, out _script);
        _translator = (QuickRead)QuickRead.Registration.Create(
            TestPlace.For(_time, QuickRead.Registration, bottom, slot: 1));
        _script.Answers[FopCode.Lookup] = AnswerLookup;
        _script.Answers[FopCode.Stat] = () =>
        {
            var reply = StatReply.Rent();
            reply.Iatt = Attributes();
            return reply;
        };
    }

    [Fact]
    public void AReadAfterTheLookupIsAnsweredFromItsContent()
    {
        Assert.True(Lookup());
        Assert.Equal("0123456789", Read(0, 4096, out var hint));
        Assert.Equal(Errno.ENOENT, hint);
        Assert.Equal("345", Read(3, 3, out hint));
        Assert.Equal(Errno.Ok, hint);
        Assert.Equal(string.Empty, Read(20, 3, out hint));
        Assert.Equal([FopCode.Lookup], Codes());
    }

    [Fact]
    public void AnEmptyFileIsContentToo()
    {
        _content = [];
        Lookup();
        Assert.Equal(string.Empty, Read(0, 4096, out var hint));
        Assert.Equal(Errno.ENOENT, hint);
        Assert.Equal([FopCode.Lookup], Codes());
    }

    [Fact]
    public void ContentIsNotBelievedLongerThanItsTimeout()
    {
        Lookup();
        _time.Advance(999);
        Assert.NotNull(Read(0, 10, out _));
        _time.Advance(1);
        Assert.Null(Read(0, 10, out _));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void AttributesThatFitProlongItUnlessTheTimesAreFresh(bool isSettled)
    {
        _mtime = isSettled ? _mtime : _time.WallNs / 1_000_000_000;
        Lookup();
        _time.Advance(900);
        _translator.Stat(new StatFop { Gfid = File }, _call).Result.Release();
        _time.Advance(900);
        Assert.Equal(isSettled, Read(0, 10, out _) is not null);
    }

    [Fact]
    public void AttributesThatDoNotFitDropIt()
    {
        Lookup();
        _mtimeNsec++;
        _translator.Stat(new StatFop { Gfid = File }, _call).Result.Release();
        Assert.Null(Read(0, 10, out _));
    }

    [Fact]
    public void OldContentIsProvedByTheNextLookupAndNotFetchedAgain()
    {
        Lookup();
        _time.Advance(5000);
        Assert.False(Lookup());
        Assert.Equal("0123456789", Read(0, 10, out _));
    }

    [Theory]
    [InlineData("write")]
    [InlineData("truncate")]
    [InlineData("open")]
    [InlineData("lock")]
    [InlineData("invalidate")]
    [InlineData("copy")]
    public void ChangesDropIt(string change)
    {
        Lookup();
        switch (change)
        {
            case "write":
                _translator.Write(new WriteFop { Gfid = File, Fd = OpenFd }, _call).Result.Release();
                break;
            case "truncate":
                _translator.Truncate(new TruncateFop { Gfid = File }, _call).Result.Release();
                break;
            case "open":
                var open = new OpenFop { Gfid = File, Flags = OpenFlags.Truncate, Fd = OpenFd };
                _translator.Open(open, _call).Result.Release();
                break;
            case "lock":
                _translator.Lk(new LkFop { Gfid = File, Fd = OpenFd, Command = LockCommand.SetLock }, _call).Result.Release();
                break;
            case "copy":
                var copy = new CopyFileRangeFop { Source = new Gfid(8, 8), SourceFd = OpenFd, Target = File, TargetFd = OpenFd };
                _translator.CopyFileRange(copy, _call).Result.Release();
                break;
            default:
                _translator.Notify(new GraphEvent(GraphEventKind.Invalidate, File), _translator);
                break;
        }

        Assert.Null(Read(0, 10, out _));
    }

    [Fact]
    public void ContentThatWasReadBeforeAWriteEndedIsNotKept()
    {
        _script.Hold = true;
        var lookup = _translator.Lookup(new LookupFop { Parent = Gfid.Root, Name = "a" }, _call).AsTask();
        var write = _translator.Write(new WriteFop { Gfid = File, Fd = OpenFd }, _call).AsTask();
        _script.Held[1]();
        Assert.True(write.IsCompleted);
        _script.Held[0]();
        Assert.True(lookup.Result.IsOk);
        _script.Hold = false;
        Assert.Null(Read(0, 10, out _));
    }

    [Fact]
    public void NothingIsKeptWhileAWriteIsUnderWay()
    {
        _script.Hold = true;
        var write = _translator.Write(new WriteFop { Gfid = File, Fd = OpenFd }, _call).AsTask();
        _script.Hold = false;
        Lookup();
        Assert.Null(Read(0, 10, out _));
        _script.Held[0]();
        Assert.True(write.IsCompleted);
    }

    [Fact]
    public void DirectReadsGoToTheSubvolume()
    {
        Lookup();
        var fd = new Fd(File, OpenFlags.Direct, false, 2);
        _translator.Read(new ReadFop { Gfid = File, Fd = fd, Size = 10 }, _call).Result.Release();
        Assert.Equal(FopCode.Read, Codes()[^1]);
    }

    [Fact]
    public void AProgramThatOnlyLooksSoonGetsNoContent()
    {
        var fetched = Enumerable.Range(0, 100).Count(i => Lookup("name" + i, new Gfid(5, (ulong)i + 1)));
        Assert.Equal(4, fetched);

        // The first open in the directory changes that.
        _translator.Open(new OpenFop { Gfid = new Gfid(5, 50), Fd = OpenFd }, _call).Result.Release();
        Assert.True(Lookup("name100", new Gfid(5, 101)));
    }

    [Fact]
    public void AWalkThroughATreeSoonGetsNoContent()
    {
        var fetched = Enumerable.Range(0, 200).Count(i => Lookup("a", new Gfid(5, (ulong)i + 1), new Gfid(6, (ulong)i + 1)));
        Assert.Equal(32, fetched);
    }

    [Fact]
    public void AProgramThatOpensWhatItLooksUpGetsAllOfIt()
    {
        for (var i = 0; i < 200; i++)
        {
            var gfid = new Gfid(5, (ulong)i + 1);
            Assert.True(Lookup("name" + i, gfid));
            _translator.Open(new OpenFop { Gfid = gfid, Fd = OpenFd }, _call).Result.Release();
        }
    }

    [Fact]
    public void MemoryIsBounded()
    {
        _content = new byte[60_000];
        _translator.Reconfigure(new OptionValues(QuickReadOptions.All, [new("cache-size", "200KB")]));
        for (var i = 0; i < 50; i++)
        {
            var gfid = new Gfid(5, (ulong)i + 1);
            Lookup("name" + i, gfid);
            _translator.Open(new OpenFop { Gfid = gfid, Fd = OpenFd }, _call).Result.Release();
        }

        Assert.Equal(3, _translator.Cache.Figures.Files);
        Assert.True(_translator.Cache.OutstandingBytes <= 200 << 10);
        _translator.Stop();
        Assert.Equal(0, _translator.Cache.OutstandingBytes);
    }

    [Fact]
    public void AFileThatIsTooLargeIsAskedForOnlyOnce()
    {
        _content = new byte[70_000];
        Assert.True(Lookup());
        Assert.Null(Read(0, 10, out _));
        Assert.False(Lookup());
    }

    [Fact]
    public void AListingBringsNothingUntilFilesOfListingsAreRead()
    {
        Assert.Equal(0, List(200));
        Assert.Equal(0, List(200));
        ReadListed(0, 4);
        Assert.True(List(200) > 0);
    }

    [Fact]
    public void ContentsOfAListingAnswerReads()
    {
        Earn();
        List(20);
        var before = _script.Seen.Count;
        ReadListed(0, 20);
        Assert.Equal(before, _script.Seen.Count);
        _time.Advance(1000);
        ReadListed(0, 1);
        Assert.Equal(before + 1, _script.Seen.Count);
    }

    [Fact]
    public void WhoOnlyListsUsesUpTheAllowanceAndGetsNoMore()
    {
        Earn();
        var asked = Enumerable.Range(0, 1000).Sum(_ => List(200));
        Assert.InRange(asked, 1, 2 * QuickReadLimits.AllowanceMax);
        Assert.Equal(0, List(200));
    }

    [Fact]
    public void WhoReadsWhatHeListsGoesOnGettingIt()
    {
        Earn();
        for (var i = 0; i < 100; i++)
        {
            Assert.True(List(100) > 0);
            ReadListed(0, 100);
        }
    }

    [Fact]
    public void AnAllowanceThatIsOldIsWorthNothing()
    {
        Earn();
        _time.Advance(11_000);
        Assert.Equal(0, List(10));
    }

    [Fact]
    public void ContentThatWasListedBeforeAWriteEndedIsNotKept()
    {
        Earn();
        _script.Answers[FopCode.Readdirp] = () => AnswerListing(1);
        _script.Hold = true;
        var fop = new ReaddirpFop { Gfid = Gfid.Root, Fd = OpenFd, Size = 4096 };
        var listing = _translator.Readdirp(fop, _call).AsTask();
        var write = _translator.Write(new WriteFop { Gfid = Listed(0), Fd = OpenFd }, _call).AsTask();
        _script.Held[1]();
        Assert.True(write.IsCompleted);
        _script.Held[0]();
        Assert.True(listing.Result.IsOk);
        listing.Result.Release();
        _script.Hold = false;
        var before = _script.Seen.Count;
        ReadListed(0, 1);
        Assert.Equal(before + 1, _script.Seen.Count);
    }

    [Fact]
    public void ContentWithoutAttributesOrOfAnotherSizeIsNotKept()
    {
        Earn();
        _script.Answers[FopCode.Readdirp] = () =>
        {
            var reply = (ReaddirpReply)AnswerListing(3);
            reply.Entries[0].Iatt = default; // A write of this client is under way.
            reply.Entries[1].Iatt.Size++;
            return reply;
        };
        _translator.Readdirp(new ReaddirpFop { Gfid = Gfid.Root, Fd = OpenFd, Size = 4096 }, _call).Result.Release();
        var before = _script.Seen.Count;
        ReadListed(0, 3);
        Assert.Equal(before + 2, _script.Seen.Count);
    }

    private static Gfid Listed(int index) => new(6, (ulong)index + 1);

    private void Earn()
    {
        List(20);
        ReadListed(0, 20);
    }

    private void ReadListed(int first, int count)
    {
        for (var i = first; i < first + count; i++)
        {
            var fd = new Fd(Listed(i), OpenFlags.ReadOnly, false, 2);
            _translator.Read(new ReadFop { Gfid = Listed(i), Fd = fd, Size = 4096 }, _call).Result.Release();
        }
    }

    /// <summary>Lists so many files; the bytes of contents that were asked for.</summary>
    private int List(int count)
    {
        var asked = 0;
        _script.Answers[FopCode.Readdirp] = () =>
        {
            asked = WishOfListing().ReplyBytesMax;
            return AnswerListing(count);
        };
        var reply = _translator.Readdirp(
            new ReaddirpFop { Gfid = Gfid.Root, Fd = OpenFd, Size = 128 << 10 }, _call).Result;
        for (var i = 0; i < reply.Entries.Count; i++)
        {
            Assert.False(reply.Entries[i].XData is { } xdata && xdata.Contains("glusterfs.content"u8));
        }

        reply.Release();
        return asked;
    }

    private ListedContents WishOfListing()
    {
        var xdata = _script.Seen.Select(s => s.Fop).OfType<ReaddirpFop>().Last().XData;
        Assert.True(ListedContents.TryRead(xdata, out var wish));
        return wish;
    }

    private Reply AnswerListing(int count)
    {
        var reply = ReaddirpReply.Rent();
        var wish = WishOfListing();
        for (var i = 0; i < count; i++)
        {
            ref var entry = ref reply.Entries.Add(Encoding.UTF8.GetBytes("name" + i));
            entry.Iatt = Attributes() with { Gfid = Listed(i) };
            if (ListedContents.BytesOf(reply.Entries) + _content.Length <= wish.ReplyBytesMax)
            {
                entry.XData = XData.Rent();
                entry.XData.SetBytes("glusterfs.content"u8, _content);
            }
        }

        return reply;
    }

    private FopCode[] Codes() => [.. _script.Seen.Select(s => s.Code)];

    /// <summary>True when content was asked for.</summary>
    private bool Lookup(string name = "a", Gfid? gfid = null, Gfid? parent = null)
    {
        var wasAsked = false;
        _script.Answers[FopCode.Lookup] = () =>
        {
            var made = (LookupReply)AnswerLookup();
            made.Iatt.Gfid = gfid ?? File;
            wasAsked = made.XData is not null;
            return made;
        };
        var fop = new LookupFop { Parent = parent ?? Gfid.Root, Name = name };
        var reply = _translator.Lookup(fop, _call).Result;
        Assert.False(reply.XData is not null && reply.XData.Contains("glusterfs.content"u8));
        reply.Release();
        return wasAsked;
    }

    /// <summary>The bytes as text; null when the subvolume was asked.</summary>
    private string? Read(long offset, uint size, out Errno hint)
    {
        var before = _script.Seen.Count;
        var reply = _translator.Read(new ReadFop { Gfid = File, Fd = OpenFd, Offset = offset, Size = size }, _call).Result;
        var text = _script.Seen.Count == before ? Encoding.UTF8.GetString(reply.Data.Span) : null;
        Assert.True(reply.Iatt.IsNull);
        hint = reply.Hint;
        reply.Release();
        return text;
    }

    private Reply AnswerLookup()
    {
        var reply = LookupReply.Rent();
        reply.Iatt = Attributes();
        if (_script.Seen.Select(s => s.Fop).OfType<LookupFop>().Last().XData is { } request && request.TryGetInt("glusterfs.content"u8, out var most))
        {
            var xdata = reply.NeedXData();
            if (_content.Length <= most)
            {
                xdata.SetBytes("glusterfs.content"u8, _content);
            }
        }

        return reply;
    }

    private Iatt Attributes() => new()
    {
        Gfid = File,
        Mode = FileMode.Regular | 0x1A4,
        Size = (ulong)_content.Length,
        Mtime = _mtime,
        MtimeNsec = _mtimeNsec,
        Ctime = _mtime,
    };
}
