using System.Runtime.CompilerServices;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Graph;
using Myrmex.Runtime;

namespace Myrmex.Features;

/// <summary>
/// Gives every fop that changes times the client's clock, so that all replicas of a file store the same times. See README.md.
/// </summary>
public sealed class Utime(TranslatorPlace place) : Uniform<UtimePolicy>(place, new UtimePolicy(new UtimeState(place)))
{
    private const string NoAtime = "noatime";

    public static TranslatorRegistration Registration { get; } = new(
        "features/utime",
        place => new Utime(place),
        [new(NoAtime, OptionKind.Boolean, "on", "Reads do not change the access time.") { Live = true }],
        Maturity.Preview);

    public override bool Reconfigure(OptionValues options)
    {
        Policy.State.Take(options);
        return true;
    }

    /// <summary>The times a fop changes. Source: credential v3 flags of stock clients.</summary>
    internal static TimeFlags FlagsOf(FopCode code, bool noAtime) => code switch
    {
        FopCode.Create or FopCode.Mkdir or FopCode.Mknod or FopCode.Symlink or FopCode.Put =>
            TimeFlags.Ctime | TimeFlags.Mtime | TimeFlags.Atime | TimeFlags.ParentCtime | TimeFlags.ParentMtime,
        FopCode.Icreate => TimeFlags.Ctime | TimeFlags.Mtime | TimeFlags.Atime,
        FopCode.Unlink or FopCode.Rmdir or FopCode.Link or FopCode.Rename or FopCode.Namelink =>
            TimeFlags.Ctime | TimeFlags.ParentCtime | TimeFlags.ParentMtime,
        FopCode.Write or FopCode.Truncate or FopCode.Ftruncate or FopCode.Fallocate or FopCode.Discard
            or FopCode.Zerofill or FopCode.CopyFileRange => TimeFlags.Ctime | TimeFlags.Mtime,
        FopCode.Setattr or FopCode.Fsetattr or FopCode.Setxattr or FopCode.Fsetxattr or FopCode.Removexattr
            or FopCode.Fremovexattr => TimeFlags.Ctime,
        FopCode.Read or FopCode.Readdir or FopCode.Readdirp when !noAtime => TimeFlags.Atime,
        _ => TimeFlags.None,
    };

    internal sealed class UtimeState
    {
        private readonly IClock _clock;
        private TimeFlags[] _flags = [];

        public UtimeState(TranslatorPlace place)
        {
            _clock = place.Seams.Clock;
            Take(place.Options);
        }

        public void Take(OptionValues options)
        {
            var noAtime = options.Boolean(NoAtime);
            var flags = new TimeFlags[FopTable.CodeLimit];
            for (var code = 0; code < flags.Length; code++)
            {
                flags[code] = Utime.FlagsOf((FopCode)code, noAtime);
            }

            Volatile.Write(ref _flags, flags);
        }

        public TimeFlags FlagsOf(FopCode code) => Volatile.Read(ref _flags)[(int)code];

        public void Stamp(Call call, TimeFlags flags)
        {
            var now = _clock.WallNs;
            call.TimeFlags = flags;
            call.CtimeSeconds = now / 1_000_000_000;
            call.CtimeNanoseconds = (uint)(now % 1_000_000_000);
        }
    }
}

/// <summary>Stamps the call for the time of one fop.</summary>
public readonly struct UtimePolicy : IFopPolicy
{
    internal UtimePolicy(Utime.UtimeState state)
    {
        State = state;
    }

    internal Utime.UtimeState State { get; }

    public ValueTask<TReply> Handle<TFop, TReply>(Translator next, in TFop fop, Call call)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
    {
        var flags = State.FlagsOf(TFop.Code);

        // A call that carries times already got them from the client the fop is done for.
        if (flags == TimeFlags.None || call.TimeFlags != TimeFlags.None)
        {
            return TFop.Invoke(next, in fop, call);
        }

        State.Stamp(call, flags);
        var task = TFop.Invoke(next, in fop, call);
        if (task.IsCompletedSuccessfully)
        {
            Restore(call);
            return task;
        }

        return RestoreLater(task, call);
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private static async ValueTask<TReply> RestoreLater<TReply>(ValueTask<TReply> task, Call call)
    {
        var reply = await task;
        Restore(call);
        return reply;
    }

    private static void Restore(Call call)
    {
        call.TimeFlags = TimeFlags.None;
        call.CtimeSeconds = 0;
        call.CtimeNanoseconds = 0;
    }
}
