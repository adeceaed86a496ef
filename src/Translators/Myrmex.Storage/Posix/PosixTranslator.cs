using System.Threading;
using Myrmex.Graph;
using Myrmex.Runtime;
using Myrmex.Runtime.Linux;

namespace Myrmex.Storage;

/// <summary>
/// storage/posix: serves a brick, a directory of a local file system, in GlusterFS' on-disk format. The bottom of every
/// brick graph. See README.md.
/// </summary>
public sealed partial class PosixTranslator : LeafTranslator, IForcedStore
{
    private readonly LockStripes _names = new();
    private readonly LockStripes _inodeLocks = new();
    // Held while a directory is renamed and its handle rewritten; before the name locks.
    private readonly Lock _moves = new();
    private readonly OpenTable _open = new();
    private readonly AnonymousFiles _anonymous = new();
    private readonly KeptSet _kept = new();
    private readonly InodeCache _inodes;
    private readonly InlineGate _writeGate;
    private PosixOptions _options;

    // Made by Start; no fop comes before.
    private HandleTree _handles = null!;
    private DirectoryCache _directories = null!;
    private int _rootFd = -1;
    private ulong _device;

    public PosixTranslator(TranslatorPlace place)
        : base(place)
    {
        _inodes = new InodeCache(place.Seams.Clock);
        _writeGate = new InlineGate(place.Seams.Clock);
        _options = new PosixOptions(place.Options, place.Name);
        if (_options.Directory.Length == 0)
        {
            throw BadOption($"volume {place.Name}: option {PosixOptions.DirectoryKey} is missing");
        }
    }

    public static TranslatorRegistration Registration { get; } =
        new("storage/posix", place => new PosixTranslator(place), PosixOptions.Table, Maturity.Preview)
        {
            SubvolumesMin = 0,
            SubvolumesMax = 0,
        };

    private PosixOptions Settings => Volatile.Read(ref _options);

    public override void Start()
    {
        // The mode of a new file arrives masked; the mask of this process must not change it again.
        Sys.Umask(0);
        _rootFd = Brick.OpenRoot(_options);
        int internalFd;
        try
        {
            internalFd = Brick.OpenInternal(_rootFd, _options);
        }
        catch
        {
            Sys.Close(_rootFd);
            throw;
        }

        _handles = new HandleTree(internalFd);
        _directories = new DirectoryCache(_handles, _rootFd, _moves);
        Sys.Stat(_rootFd, out var stat);
        _device = stat.Dev;
        _kept.Load(internalFd);
        if (!stat.HasBirthTime)
        {
            Log.Warning(
                "posix", "the file system keeps no birth times: every lookup reads attributes",
                ("brick", _options.Directory));
        }

        StartWatching();
        Log.Information("posix", "brick is served", ("brick", _options.Directory), ("volume", Name));
        NotifyParents(new GraphEvent(GraphEventKind.ChildUp));
    }

    internal IWorkers Workers => Seams.Workers;

    public override void Stop()
    {
        StopWatching();
        foreach (var gfid in _open.Unlinked())
        {
            _handles.RemoveUnlinked(gfid);
        }

        _anonymous.Clear();
        _directories.Dispose();
        Sys.Close(_handles.Fd);
    }

    public override bool Reconfigure(OptionValues options)
    {
        var changed = new PosixOptions(options, Name);
        if (!changed.IsSameBrick(_options))
        {
            return false;
        }

        Volatile.Write(ref _options, changed);
        return true;
    }

    public override void DumpState(StateDump dump)
    {
        dump.Put("directories.open", _directories.Count);
        dump.Put("directories.opened", _directories.Misses);
        dump.Put("inodes.known", _inodes.Count);
        dump.Put("files.open", _open.Count);
        dump.Put("files.anonymous", _anonymous.Count);
        dump.Put("space.full", IsFull());
        dump.Put("health", _healthError);
    }
}
