using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Features;
using Myrmex.Graph;
using Myrmex.Unit.Tests.Kit;
using Xunit;

namespace Myrmex.Unit.Tests.Features;

/// <summary>features/read-only.</summary>
public sealed class ReadOnlyTests
{
    private readonly ManualTime _time = new();
    private readonly Call _call = Call.Rent();

    [Fact]
    public async Task ChangesAnswerErofsAndReadsPass()
    {
        var translator = Make("on");
        Assert.Equal(Errno.EROFS, (await translator.Mkdir(default, _call)).Error);
        Assert.Equal(Errno.EROFS, (await translator.Setattr(default, _call)).Error);
        Assert.Equal(Errno.Ok, (await translator.Lookup(default, _call)).Error);
        Assert.Equal(Errno.EROFS, (await translator.Open(OpenOf(OpenFlags.ReadWrite), _call)).Error);
        Assert.Equal(Errno.EROFS, (await translator.Open(OpenOf(OpenFlags.Truncate), _call)).Error);
        Assert.Equal(Errno.Ok, (await translator.Open(OpenOf(OpenFlags.ReadOnly), _call)).Error);
    }

    [Fact]
    public async Task InternalClientsMayRepair()
    {
        _call.Pid = -6;
        Assert.Equal(Errno.Ok, (await Make("on").Mkdir(default, _call)).Error);
    }

    [Fact]
    public async Task TheOptionCanBeTurnedWhileRunning()
    {
        var translator = Make("off");
        Assert.Equal(Errno.Ok, (await translator.Mkdir(default, _call)).Error);
        Assert.True(translator.Reconfigure(TestPlace.For(_time, ReadOnly.Registration, options: ("read-only", "on")).Options));
        Assert.Equal(Errno.EROFS, (await translator.Mkdir(default, _call)).Error);
    }

    private static OpenFop OpenOf(uint flags) => new() { Flags = flags, Fd = new Fd(default, flags, false, 0) };

    private Translator Make(string value) => ReadOnly.Registration.Create(
        TestPlace.For(
            _time, ReadOnly.Registration, ScriptedTranslator.Create(_time, out _), options: ("read-only", value)));
}
