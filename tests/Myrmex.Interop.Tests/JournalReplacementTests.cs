using System;
using System.Diagnostics;
using System.IO;
using Myrmex.Interop.Tests.Kit;
using Xunit.Abstractions;

namespace Myrmex.Interop.Tests;

/// <summary>
/// Bricks of a replicated volume get new disks while programs work: the leader's brick and another one are replaced, and one is emptied
/// and taken again in its place. No program sees an error, and in the end all copies are equal.
/// </summary>
public sealed class JournalReplacementTests(ITestOutputHelper output) : IDisposable
{
    private readonly TestDirectory _directory = new(nameof(JournalReplacementTests));

    public void Dispose() => _directory.Dispose();

    [InteropFact(Need.Xfs | Need.Fuse | Need.Python)]
    public void BricksGetNewDisksWhileProgramsWork()
    {
        var disk = _directory.Own(XfsImage.Mount(_directory, "disk", Machine.LongRuns ? 32768 : 4096));
        var volume = _directory.Own(new JournalVolume(_directory, Bricks.Make(disk.Path, 3)));
        var mount = volume.Mount("mnt");
        MakeTree(mount.Path);
        if (Machine.LongRuns)
        {
            // More than the journals keep: the new members get copies of the stores, not only entries.
            Shell.CheckBash(mount.Path, "for i in 1 2 3; do head -c 512M /dev/urandom > big$i; done; sync -f .",
                TimeSpan.FromMinutes(5));
        }

        using var load = new JournalLoad(_directory, "load", mount.Path, volume.Mount("mnt2").Path);
        load.AwaitProgress("before");
        var leader = volume.AwaitLeader();
        Timed(load, "the leader's brick replaced", () => volume.Replace(leader, Path.Combine(disk.Path, "new1")));
        var other = (leader + 1) % volume.Bricks.Count;
        Timed(load, "another one reset", () => volume.Reset(other, () => load.AwaitProgress("without a member")));
        Timed(load, "the reset one replaced", () => volume.Replace(other, Path.Combine(disk.Path, "new2")));
        output.WriteLine($"{load.Finish(mount.Path)}");
        volume.CheckCopies();
    }

    /// <summary>Everything that a copy of a store has to carry: kinds, names, attributes, holes, links.</summary>
    private static void MakeTree(string mount) => Shell.CheckBash(mount, """
        mkdir -p tree/a/b/c tree/many; cd tree
        for i in $(seq 300); do echo "file $i" > many/f$i; done
        head -c 9M /dev/urandom > a/large; truncate -s 40M a/hole; printf x | dd of=a/hole bs=1 seek=30M conv=notrunc status=none
        ln a/large a/b/second; ln -s ../large a/b/symbolic; mkfifo a/fifo; mknod a/device c 1 3; : > a/empty
        setfattr -n user.colour -v blue a/large; setfattr -n user.empty a/b; chmod 2751 a/b; chown 1234:4321 a/b/c
        touch -d 2001-02-03T04:05:06 a/empty; chmod 4711 a/empty; printf 'odd' > $'a/b/c/od d\nname'
        """);

    private void Timed(JournalLoad load, string what, Action step)
    {
        var watch = Stopwatch.StartNew();
        step();
        load.AwaitProgress(what);
        output.WriteLine($"{what}: {watch.Elapsed.TotalSeconds:0.0} s");
    }
}
