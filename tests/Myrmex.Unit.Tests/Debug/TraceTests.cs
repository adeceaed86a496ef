using System;
using System.IO;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Debug;
using Myrmex.Graph;
using Myrmex.Runtime;
using Myrmex.Unit.Tests.Kit;
using Xunit;

namespace Myrmex.Unit.Tests.Debug;

/// <summary>debug/trace. The log is one per process, so these tests do not run beside others that write to it.</summary>
[Collection("log")]
public sealed class TraceTests : IDisposable
{
    private readonly ManualTime _time = new();
    private readonly StringWriter _log = new();
    private readonly LogLevel _level = Log.Level;

    public TraceTests()
    {
        Log.WriteTo(_log);
    }

    public void Dispose()
    {
        Log.WriteTo(null);
        Log.Level = _level;
    }

    [Fact]
    public async Task ALineTellsFopArgumentsOutcomeAndTime()
    {
        var trace = Make(out var script, ("log-file", "on"));
        script.Answers[FopCode.Truncate] = () => TruncateReply.Fail(Errno.ENOSPC);
        await trace.Truncate(new TruncateFop { Gfid = new Gfid(1, 2), Offset = 77 }, Call.Rent());
        var line = _log.ToString();
        Assert.Contains("trace: gfid=00000000-0000-0001-0000-000000000002 offset=77 size=0", line);
        Assert.Contains("at=test-trace fop=Truncate pid=0", line);
        Assert.Contains("result=-1 error=ENOSPC us=", line);
    }

    [Fact]
    public async Task NamesAreWrittenOnlyForDebug()
    {
        var trace = Make(out _, ("log-file", "on"));
        await trace.Mkdir(new MkdirFop { Name = "secret" }, Call.Rent());
        Assert.DoesNotContain("secret", _log.ToString());
        Log.Level = LogLevel.Debug;
        await trace.Mkdir(new MkdirFop { Name = "secret" }, Call.Rent());
        Assert.Contains("name=secret", _log.ToString());
    }

    [Fact]
    public async Task OnlyIncludedFopsThatAreNotExcludedAreWritten()
    {
        var trace = Make(out _, ("log-file", "on"), ("include-ops", "stat,lookup"), ("exclude-ops", "lookup"));
        await trace.Stat(default, Call.Rent());
        await trace.Lookup(default, Call.Rent());
        await trace.Mkdir(default, Call.Rent());
        Assert.Contains("fop=Stat", _log.ToString());
        Assert.DoesNotContain("fop=Lookup", _log.ToString());
        Assert.DoesNotContain("fop=Mkdir", _log.ToString());
    }

    [Fact]
    public async Task WithoutTheOptionLinesAreOfLevelTrace()
    {
        var trace = Make(out _);
        await trace.Stat(default, Call.Rent());
        Assert.Empty(_log.ToString());
        Log.Level = LogLevel.Trace;
        await trace.Stat(default, Call.Rent());
        Assert.Contains(" T trace: ", _log.ToString());
    }

    private Translator Make(out Script script, params (string Key, string Value)[] options) =>
        Trace.Registration.Create(
            TestPlace.For(_time, Trace.Registration, ScriptedTranslator.Create(_time, out script), options: options));
}
