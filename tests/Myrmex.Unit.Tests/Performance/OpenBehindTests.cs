using System.Linq;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Graph;
using Myrmex.Performance;
using Myrmex.Unit.Tests.Kit;
using Xunit;

namespace Myrmex.Unit.Tests.Performance;

/// <summary>Rules of performance/open-behind by example.</summary>
public sealed class OpenBehindTests
{
    private static readonly Gfid File = new(1, 2);

    private readonly ManualTime _time = new();
    private readonly Script _script;
    private readonly Translator _translator;
    private readonly Call _call = Call.Rent();
    private readonly ScriptedTranslator _bottom;

    public OpenBehindTests()
    {
        _bottom = ScriptedTranslator.Create(_time, out _script);
        _translator = Make();
    }

    [Fact]
    public void AFileThatIsReadToItsEndIsNeverOpened()
    {
        var fd = Open();
        AnswerReads(100);
        Assert.Equal(100, Read(fd, 4096).OpRet);
        Release(fd);
        Assert.Equal([FopCode.Read], Codes());
        var read = Assert.IsType<ReadFop>(_script.Seen[0].Fop);
        Assert.True(read.Fd.IsAnonymous);
        Assert.Equal(File, read.Fd.Gfid);
    }

    [Fact]
    public void AFileThatIsReadOnIsOpenedBesideTheRead()
    {
        var fd = Open();
        AnswerReads(4096);
        Read(fd, 4096);
        Read(fd, 4096);
        Release(fd);
        Assert.Equal([FopCode.Read, FopCode.Open, FopCode.Read, FopCode.Release], Codes());
        Assert.Same(fd, Assert.IsType<ReadFop>(_script.Seen[2].Fop).Fd);
    }

    [Fact]
    public void ReadsNeverOpenWhenTheOptionSaysSo()
    {
        var translator = Make(("read-after-open", "no"));
        var fd = Open(translator: translator);
        AnswerReads(4096);
        translator.Read(new ReadFop { Gfid = File, Fd = fd, Size = 4096 }, _call).Result.Release();
        Assert.Equal([FopCode.Read], Codes());
    }

    [Theory]
    [InlineData(OpenFlags.WriteOnly)]
    [InlineData(OpenFlags.ReadWrite)]
    [InlineData(OpenFlags.Truncate)]
    [InlineData(OpenFlags.Direct)]
    [InlineData(OpenFlags.NoAtime)]
    public void OpensThatAreMoreThanAnOpenForReadingGoThrough(uint flags)
    {
        var fd = Open(flags);
        Release(fd);
        Assert.Equal([FopCode.Open, FopCode.Release], Codes());
    }

    [Fact]
    public void AnOpenWithXDataGoesThrough()
    {
        var xdata = XData.Rent();
        var fop = new OpenFop { Gfid = File, Fd = new Fd(File, 0, false, 2), XData = xdata };
        _translator.Open(fop, _call).Result.Release();
        Assert.Equal([FopCode.Open], Codes());
    }

    [Fact]
    public void WithoutLazyOpenTheOpenFollowsItsAnswer()
    {
        var translator = Make(("lazy-open", "no"));
        _script.Hold = true;
        Open(translator: translator);
        Assert.Equal([FopCode.Open], Codes());
    }

    [Fact]
    public void AFopThatNeedsTheFdOpensItInTheNameOfTheOpener()
    {
        _call.Uid = 77;
        var fd = Open();
        _call.Uid = 0;
        uint opener = 0;
        _script.OnFop = (code, call) => opener = code == FopCode.Open ? call.Uid : opener;
        _translator.Fsync(new FsyncFop { Gfid = File, Fd = fd }, _call).Result.Release();
        Assert.Equal([FopCode.Open, FopCode.Fsync], Codes());
        Assert.Equal(77u, opener);
    }

    [Fact]
    public void FopsThatComeTogetherShareOneOpen()
    {
        var fd = Open();
        _script.Hold = true;
        var first = _translator.Fsync(new FsyncFop { Gfid = File, Fd = fd }, _call).AsTask();
        var second = _translator.Flush(new FlushFop { Gfid = File, Fd = fd }, _call).AsTask();
        Assert.Equal([FopCode.Open], Codes());
        RunHeld();
        Assert.Equal([FopCode.Open, FopCode.Flush, FopCode.Fsync], Codes().Order());
        RunHeld();
        Assert.True(first.Result.IsOk && second.Result.IsOk);
    }

    [Fact]
    public void TheErrorOfALateOpenIsThatOfTheFopThatNeededIt()
    {
        var fd = Open();
        _script.Answers[FopCode.Open] = () => OpenReply.Fail(Errno.EACCES);
        Assert.Equal(Errno.EACCES, _translator.Fsync(new FsyncFop { Gfid = File, Fd = fd }, _call).Result.Error);
        var values = new FsetattrFop { Gfid = File, Fd = fd, Valid = SetattrValid.Mtime };
        Assert.Equal(Errno.EACCES, _translator.Fsetattr(values, _call).Result.Error);
        Release(fd);
        Assert.DoesNotContain(FopCode.Release, Codes());
    }

    [Fact]
    public void AfterALostConnectionTheOpenIsTriedAgain()
    {
        var fd = Open();
        _script.Answers[FopCode.Open] = () => OpenReply.Fail(Errno.ENOTCONN);
        Assert.Equal(Errno.ENOTCONN, _translator.Fsync(new FsyncFop { Gfid = File, Fd = fd }, _call).Result.Error);
        _script.Answers.Remove(FopCode.Open);
        Assert.True(_translator.Fsync(new FsyncFop { Gfid = File, Fd = fd }, _call).Result.IsOk);
        Release(fd);
        Assert.Equal(FopCode.Release, Codes()[^1]);
    }

    [Theory]
    [InlineData(FopCode.Unlink)]
    [InlineData(FopCode.Rename)]
    public void NamesAreRemovedOnlyWhenEveryAnsweredFdIsOpen(FopCode removal)
    {
        var fds = new[] { Open(), Open() };
        _script.Hold = true;
        var task = Remove(removal);
        Assert.Equal([FopCode.Open, FopCode.Open], Codes());
        RunHeld();
        Assert.Equal([FopCode.Open, FopCode.Open, removal], Codes());

        // And what is opened meanwhile is opened at once.
        var late = OpenTask();
        Assert.False(late.IsCompleted);
        RunHeld();
        Assert.True(task.IsCompleted && late.IsCompleted);
        _script.Hold = false;
        Assert.All(fds, Release);
        Assert.Equal(2, Codes().Count(c => c == FopCode.Release));
        Open();
        Assert.Equal(3, Codes().Count(c => c == FopCode.Open));
    }

    [Fact]
    public void AChangeOfPermissionsComesAfterTheOpensBeforeIt()
    {
        Open();
        var fop = new SetattrFop { Gfid = File, Iatt = new Iatt { Mode = 0 }, Valid = SetattrValid.Mode };
        Assert.True(_translator.Setattr(fop, _call).Result.IsOk);
        Assert.Equal([FopCode.Open, FopCode.Setattr], Codes());
    }

    [Fact]
    public void AReleaseDuringTheOpenWaitsForIt()
    {
        var fd = Open();
        _script.Hold = true;
        var fsync = _translator.Fsync(new FsyncFop { Gfid = File, Fd = fd }, _call).AsTask();
        var release = _translator.Release(new ReleaseFop { Gfid = File, Fd = fd }, _call).AsTask();
        Assert.Equal([FopCode.Open], Codes());
        RunHeld();
        RunHeld();
        Assert.True(fsync.IsCompleted && release.IsCompleted);
        Assert.Contains(FopCode.Release, Codes());
    }

    private OpenBehind Make(params (string Key, string Value)[] options) =>
        (OpenBehind)OpenBehind.Registration.Create(
            TestPlace.For(_time, OpenBehind.Registration, _bottom, slot: 1, options: options));

    private FopCode[] Codes() => [.. _script.Seen.Select(s => s.Code)];

    private void RunHeld()
    {
        var held = _script.Held.ToArray();
        _script.Held.Clear();
        foreach (var answer in held)
        {
            answer();
        }
    }

    private Fd Open(uint flags = OpenFlags.ReadOnly, Translator? translator = null)
    {
        var fd = new Fd(File, flags, false, 2);
        (translator ?? _translator).Open(new OpenFop { Gfid = File, Flags = flags, Fd = fd }, _call).Result.Release();
        return fd;
    }

    private Task<OpenReply> OpenTask() =>
        _translator.Open(new OpenFop { Gfid = File, Fd = new Fd(File, 0, false, 2) }, _call).AsTask();

    private ReadReply Read(Fd fd, uint size) =>
        _translator.Read(new ReadFop { Gfid = File, Fd = fd, Size = size }, _call).Result;

    private void Release(Fd fd) =>
        _translator.Release(new ReleaseFop { Gfid = File, Fd = fd }, _call).Result.Release();

    private void AnswerReads(int length) => _script.Answers[FopCode.Read] = () =>
    {
        var reply = ReadReply.Rent();
        reply.OpRet = length;
        return reply;
    };

    private Task Remove(FopCode code) => code == FopCode.Unlink
        ? _translator.Unlink(new UnlinkFop { Parent = Gfid.Root, Name = "a" }, _call).AsTask()
        : _translator.Rename(
            new RenameFop { OldParent = Gfid.Root, OldName = "a", NewParent = Gfid.Root, NewName = "b" }, _call).AsTask();
}
