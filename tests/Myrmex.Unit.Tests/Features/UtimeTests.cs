using System;
using System.Linq;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Features;
using Myrmex.Graph;
using Myrmex.Unit.Tests.Kit;
using Xunit;

namespace Myrmex.Unit.Tests.Features;

/// <summary>features/utime: which times a fop carries. Source: credential v3 flags of stock clients.</summary>
public sealed class UtimeTests
{
    private readonly ManualTime _time = new();
    private readonly Script _script;
    private readonly ScriptedTranslator _below;
    private readonly Call _call = Call.Rent();

    public UtimeTests()
    {
        _below = ScriptedTranslator.Create(_time, out _script);
    }

    [Fact]
    public async Task FopsCarryTheFlagsThatStockClientsSend()
    {
        var utime = Make();
        await utime.Create(new CreateFop { Fd = new Fd(default, 0, false, 0) }, _call);
        await utime.Unlink(default, _call);
        await utime.Write(new WriteFop { Fd = new Fd(default, 0, false, 0) }, _call);
        await utime.Setattr(default, _call);
        await utime.Read(new ReadFop { Fd = new Fd(default, 0, false, 0) }, _call);
        await utime.Lookup(default, _call);
        Assert.Equal([0x1fU, 0x19U, 0x3U, 0x1U, 0U, 0U], _script.Seen.Select(s => (uint)s.Times));
    }

    [Fact]
    public async Task TheCallHasTheWallClockForTheFopOnly()
    {
        _script.OnFop = (_, call) =>
            Assert.Equal((1_700_000_000L, 123_456_789U), (call.CtimeSeconds, call.CtimeNanoseconds));
        await Make().Setattr(default, _call);
        Assert.Equal((TimeFlags.None, 0L, 0U), (_call.TimeFlags, _call.CtimeSeconds, _call.CtimeNanoseconds));
    }

    [Fact]
    public async Task TheCallIsRestoredWhenALateAnswerComes()
    {
        _script.Hold = true;
        var task = Make().Setattr(default, _call);
        Assert.Equal(TimeFlags.Ctime, _call.TimeFlags);
        _script.Held.Single()();
        await task;
        Assert.Equal(TimeFlags.None, _call.TimeFlags);
    }

    [Fact]
    public async Task TimesOfTheOriginalClientAreKept()
    {
        _call.TimeFlags = TimeFlags.Mtime;
        _call.CtimeSeconds = 5;
        await Make().Write(new WriteFop { Fd = new Fd(default, 0, false, 0) }, _call);
        Assert.Equal((TimeFlags.Mtime, 5L), (_script.Seen.Single().Times, _call.CtimeSeconds));
    }

    [Fact]
    public async Task ReadsStampTheAccessTimeOnlyWithoutNoatime()
    {
        var utime = Make(("noatime", "off"));
        await utime.Read(new ReadFop { Fd = new Fd(default, 0, false, 0) }, _call);
        Assert.Equal(TimeFlags.Atime, _script.Seen.Single().Times);
    }

    [Fact]
    public void EveryFopThatChangesAFileHasFlagsAndNoOtherDoes()
    {
        foreach (var code in Enum.GetValues<FopCode>().Where(c => c != FopCode.None))
        {
            // XATTROP counts what clients owe each other: nothing a user sees changes.
            var expected = code.Has(FopTraits.Mutates) && code is not (FopCode.Xattrop or FopCode.Fxattrop);
            Assert.Equal((code, expected), (code, Utime.FlagsOf(code, noAtime: true) != TimeFlags.None));
        }
    }

    private Translator Make(params (string Key, string Value)[] options) =>
        Utime.Registration.Create(TestPlace.For(_time, Utime.Registration, _below, options: options));
}
