using System.Linq;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Debug;
using Myrmex.Graph;
using Myrmex.Unit.Tests.Kit;
using Xunit;

namespace Myrmex.Unit.Tests.Debug;

/// <summary>debug/error-gen and debug/delay-gen.</summary>
public sealed class ErrorAndDelayTests
{
    private readonly ManualTime _time = new();
    private readonly Call _call = Call.Rent();

    [Fact]
    public async Task AboutTheAskedShareOfFopsFailsWithTheListedErrorsAndNeverReachesTheSubvolume()
    {
        var translator = Make(ErrorGen.Registration, out var script, ("failure", "25"), ("error-no", "ENOSPC,5"));
        var failed = 0;
        for (var i = 0; i < 4000; i++)
        {
            var reply = await translator.Stat(default, _call);
            failed += reply.IsOk ? 0 : 1;
            Assert.Contains(reply.Error, new[] { Errno.Ok, Errno.ENOSPC, Errno.EIO });
            reply.Release();
        }

        Assert.InRange(failed, 850, 1150);
        Assert.Equal(4000 - failed, script.Seen.Count);
    }

    [Fact]
    public async Task OnlyEnabledFopsFail()
    {
        var translator = Make(ErrorGen.Registration, out _, ("failure", "100"), ("enable", "writev, STAT"));
        Assert.Equal(Errno.EIO, (await translator.Stat(default, _call)).Error);
        Assert.Equal(Errno.Ok, (await translator.Lookup(default, _call)).Error);
        translator.Reconfigure(TestPlace.For(_time, ErrorGen.Registration, options: ("failure", "0")).Options);
        Assert.Equal(Errno.Ok, (await translator.Stat(default, _call)).Error);
    }

    [Theory]
    [InlineData("error-no", "EWHAT")]
    [InlineData("error-no", "0")]
    [InlineData("enable", "frobnicate")]
    [InlineData("enable", "12")]
    public void UnknownNamesAreRefused(string key, string value) =>
        Assert.Throws<GraphException>(() => Make(ErrorGen.Registration, out _, (key, value)));

    [Fact]
    public async Task ADelayedFopIsSentOnceAfterItsTime()
    {
        var translator = Make(
            DelayGen.Registration, out var script, ("delay-percentage", "100"), ("delay-duration", "2500"));
        var stat = translator.Stat(default, _call);
        var mkdir = translator.Mkdir(default, _call);
        _time.Advance(2);
        Assert.Empty(script.Seen);
        _time.Advance(1);
        Assert.Equal([FopCode.Stat, FopCode.Mkdir], script.Seen.Select(s => s.Code));
        Assert.True((await stat).IsOk);
        Assert.True((await mkdir).IsOk);
    }

    private Translator Make(
        TranslatorRegistration registration, out Script script, params (string Key, string Value)[] options) =>
        registration.Create(
            TestPlace.For(_time, registration, ScriptedTranslator.Create(_time, out script), options: options));
}
