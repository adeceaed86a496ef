using System.Threading;
using Myrmex.Cluster.Sending;

namespace Myrmex.Cluster.JournalClient;

/// <summary>The members of a replica set: ENOTCONN may mean that another one leads.</summary>
internal sealed class JournalRules : SendingRules
{
    public override string Name => "journal-client";

    private bool _fromMemory;
    private bool _hasSentFromMemory;

    /// <summary>Changes may be answered from memory. From the first time on, FSYNC is sent for good.</summary>
    public bool FromMemory
    {
        get => Volatile.Read(ref _fromMemory);
        set
        {
            if (value)
            {
                Volatile.Write(ref _hasSentFromMemory, true); // Before the first change says so.
            }

            Volatile.Write(ref _fromMemory, value);
        }
    }

    /// <summary>On those of a write quorum, unless something was ever sent that need not be.</summary>
    public override bool AnswersAreDurable => !Volatile.Read(ref _hasSentFromMemory);

    public override bool MayAnswerFromMemory => FromMemory;

    /// <summary>They are entries of the journal.</summary>
    public override bool KeepsLocks => true;

    public override bool TellsOpens => true;
}
