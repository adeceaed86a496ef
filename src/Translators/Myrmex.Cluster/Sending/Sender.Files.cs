using System.Threading;
using System.Threading.Tasks;

namespace Myrmex.Cluster.Sending;

/// <summary>
/// Open files at servers that keep them when they lose their last name (<see cref="SendingRules.TellsOpens"/>): each
/// one that leads is told soon what is open, also by a client that does nothing.
/// </summary>
internal sealed partial class Sender
{
    private int _isLooking;

    /// <summary>Something is open: who leads has to be found even if no fop wants to know.</summary>
    public bool HasFiles => _rules.TellsOpens && Fds.Count > 0;

    private void OnFoundForFiles()
    {
        if (HasFiles && _finder.Choice is { } choice)
        {
            _ = Fds.ReopenAsync(choice);
        }
    }

    /// <summary>While something is open, looks from time to time whether the server still leads.</summary>
    private void BeginLooking()
    {
        if (_rules.TellsOpens && Interlocked.Exchange(ref _isLooking, 1) == 0)
        {
            _seams.Scheduler.Schedule(SendingLimits.HoldAgainMs, LookAgain);
        }
    }

    private void LookAgain()
    {
        Volatile.Write(ref _isLooking, 0);
        if (!_isStopped && HasFiles)
        {
            _ = LookAsync();
            BeginLooking();
        }
    }

    private async Task LookAsync()
    {
        if (_finder.Choice is { } choice)
        {
            var (serves, hint) = await _finder.AskAsync(choice.Server);
            if (serves)
            {
                return;
            }

            _finder.Lost(choice, hint);
        }

        _finder.Want(true);
    }
}
