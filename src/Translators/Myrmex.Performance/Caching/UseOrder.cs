namespace Myrmex.Performance;

/// <summary>Something that is in a <see cref="UseOrder{T}"/>.</summary>
internal abstract class Used<T>
    where T : Used<T>
{
    internal T? Older { get; set; }

    internal T? Newer { get; set; }
}

/// <summary>Items in the order of their last use. Belongs to a cache and is guarded by its lock.</summary>
internal sealed class UseOrder<T>
    where T : Used<T>
{
    private T? _newest;

    /// <summary>The one that was used longest ago; null when there is none.</summary>
    public T? Oldest { get; private set; }

    /// <summary>It is used, which is in the order already.</summary>
    public void Touch(T item)
    {
        if (!ReferenceEquals(item, _newest))
        {
            Remove(item);
            Add(item);
        }
    }

    public void Add(T item)
    {
        item.Older = _newest;
        item.Newer = null;
        if (_newest is not null)
        {
            _newest.Newer = item;
        }

        _newest = item;
        Oldest ??= item;
    }

    public void Remove(T item)
    {
        if (item.Newer is null)
        {
            _newest = item.Older;
        }
        else
        {
            item.Newer.Older = item.Older;
        }

        if (item.Older is null)
        {
            Oldest = item.Newer;
        }
        else
        {
            item.Older.Newer = item.Newer;
        }
    }
}
