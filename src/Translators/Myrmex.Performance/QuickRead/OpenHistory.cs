using System.Threading;
using Myrmex.Base;

namespace Myrmex.Performance;

/// <summary>
/// Guesses whether the file of a name that is looked up will be opened, so that its content is worth fetching: a
/// program that only
/// looks at attributes does so for a whole directory or tree. Only a guess: nothing but work depends on it.
/// </summary>
internal sealed class OpenHistory
{
    private readonly GfidMap<NameRecord> _names = new(QuickReadLimits.NamesMax);
    private readonly GfidMap<ParentRecord> _parents = new(QuickReadLimits.ParentsMax);
    private readonly GfidMap<DirectoryRecord> _directories = new(QuickReadLimits.DirectoriesMax);
    private int _unopened;

    /// <summary>What a name stood for when it was looked up last.</summary>
    public enum NameKind : byte
    {
        Unknown,
        SmallFile,
        Other,
    }

    public NameKind KindOf(in Gfid parent, Name name, out Gfid gfid)
    {
        if (!_names.TryGet(KeyOf(in parent, name), out var record))
        {
            gfid = default;
            return NameKind.Unknown;
        }

        gfid = record.Gfid;
        return record.Kind;
    }

    /// <summary>True as long as most of the content fetched for this directory has been of use.</summary>
    public bool IsWorthFetching(in Gfid parent) =>
        _directories.TryGet(in parent, out var record)
            ? record.Unopened < QuickReadLimits.UnopenedPerDirectoryMax
            : Volatile.Read(ref _unopened) < QuickReadLimits.UnopenedMax;

    /// <summary>A name was looked up.</summary>
    public void Seen(in Gfid parent, Name name, in Gfid gfid, bool isSmallFile)
    {
        var record = new NameRecord { Gfid = gfid, Kind = isSmallFile ? NameKind.SmallFile : NameKind.Other };
        _names.Set(KeyOf(in parent, name), in record);
        if (isSmallFile)
        {
            _parents.Set(in gfid, new ParentRecord { Parent = parent });
        }
    }

    /// <summary>Content was fetched for a file of this directory.</summary>
    public void Fetched(in Gfid parent)
    {
        var isNew = !_directories.TryGet(in parent, out var record);
        if (!isNew && record.Unopened >= QuickReadLimits.UnopenedPerDirectoryMax)
        {
            return;
        }

        record.Unopened++;
        _directories.Set(in parent, in record);
        Interlocked.Increment(ref _unopened);
    }

    /// <summary>A file was opened for reading: the next ones of its directory will be, too.</summary>
    public void Opened(in Gfid gfid)
    {
        if (_parents.TryGet(in gfid, out var record))
        {
            _directories.Set(record.Parent, default);
            Volatile.Write(ref _unopened, 0);
        }
    }

    /// <summary>A name as a key; two names with one key would share their fate, which does no harm.</summary>
    private static Gfid KeyOf(in Gfid parent, Name name)
    {
        const ulong prime = 0x100000001B3;
        var hash = 0xCBF29CE484222325UL;
        foreach (var b in name.Span)
        {
            hash = (hash ^ b) * prime;
        }

        return new Gfid(parent.High ^ hash, parent.Low + (hash * prime));
    }

    private struct NameRecord
    {
        public Gfid Gfid;
        public NameKind Kind;
    }

    private struct ParentRecord
    {
        public Gfid Parent;
    }

    private struct DirectoryRecord
    {
        public byte Unopened;
    }
}
