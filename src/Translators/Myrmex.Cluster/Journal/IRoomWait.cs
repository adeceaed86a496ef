using System.Threading.Tasks;
using Myrmex.Base;

namespace Myrmex.Cluster.Journal;

/// <summary>Who is told of an operation that finds no room in the store, and lets it wait.</summary>
public interface IRoomWait
{
    /// <summary>It was tried for the first time.</summary>
    void Begin(JournalOperation operation, Errno error);

    /// <summary>Waits a moment; false when it is not to be tried again.</summary>
    ValueTask<bool> WaitAsync();

    /// <summary>It has found room, or is given up.</summary>
    void End();
}
