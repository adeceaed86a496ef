using Myrmex.Base;

namespace Myrmex.Cluster.Dht;

/// <summary>What the replies of a look-up on many subvolumes amount to.</summary>
internal readonly ref struct Census
{
    private Census(Answers<LookupReply> answers, int except)
    {
        FirstDirectory = -1;
        FirstFile = -1;
        FirstLinkFile = -1;
        AllDefinite = true;
        for (var i = 0; i < answers.Count; i++)
        {
            var reply = answers[i];
            if (reply is null || i == except)
            {
                continue;
            }

            if (!reply.IsOk)
            {
                AllDefinite &= reply.Error is Errno.ENOENT or Errno.ESTALE;
            }
            else if (reply.Iatt.IsDirectory)
            {
                FirstDirectory = FirstDirectory < 0 ? i : FirstDirectory;
                GfidsDiffer |= answers[FirstDirectory]!.Iatt.Gfid != reply.Iatt.Gfid;
            }
            else if (IsLinkFile(reply))
            {
                FirstLinkFile = FirstLinkFile < 0 ? i : FirstLinkFile;
            }
            else if (FirstFile < 0)
            {
                FirstFile = i;
            }
            else
            {
                GfidsDiffer |= answers[FirstFile]!.Iatt.Gfid != reply.Iatt.Gfid;
                if (IsLeaving(answers[FirstFile]!) && !IsLeaving(reply))
                {
                    FirstFile = i;
                }
            }
        }
    }

    /// <summary>Lowest index with a directory, -1 when there is none.</summary>
    public int FirstDirectory { get; }

    /// <summary>
    /// Index with the data of a file, -1 when there is none. Of two copies the one that rebalance has finished counts.
    /// </summary>
    public int FirstFile { get; }

    public int FirstLinkFile { get; }

    /// <summary>Two directories, or two copies of data, have different gfids.</summary>
    public bool GfidsDiffer { get; }

    /// <summary>Every subvolume asked said either what it has or that it has nothing.</summary>
    public bool AllDefinite { get; }

    /// <summary>Some have a directory under this name and others a file.</summary>
    public bool TypesDiffer => FirstDirectory >= 0 && (FirstFile >= 0 || FirstLinkFile >= 0);

    public bool Nothing => FirstDirectory < 0 && FirstFile < 0 && FirstLinkFile < 0;

    public static Census Of(Answers<LookupReply> answers, int except = -1) => new(answers, except);

    /// <summary>A link file: its mode says so and it names a subvolume.</summary>
    public static bool IsLinkFile(LookupReply reply) =>
        DhtIatt.HasLinkMode(in reply.Iatt) && reply.XData is not null && reply.XData.Contains(DhtKeys.LinkTo);

    /// <summary>The source of a migration.</summary>
    public static bool IsLeaving(LookupReply reply) =>
        DhtIatt.HasMarkBits(in reply.Iatt) && reply.XData is not null && reply.XData.Contains(DhtKeys.LinkTo);
}
