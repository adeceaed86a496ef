using System;
using System.Collections.Generic;
using System.IO;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Cluster.Journal;
using Myrmex.Graph;
using Myrmex.Replication;
using Myrmex.Replication.Engine;
using Myrmex.Storage;

namespace Myrmex.Contract.Tests.Storage;

/// <summary>The journal translator with a journal of one member on a store.</summary>
public sealed class JournalRig : StorageRig
{
    private readonly DirectoryInfo? _directory;

    private JournalRig(bool isOnDisk) =>
        _directory = isOnDisk ? System.IO.Directory.CreateTempSubdirectory("myrmex-brick-") : null;

    public override string? Directory => _directory?.FullName;

    public override bool StampsEveryInode => true;

    protected override VolfileDocument Document
    {
        get
        {
            var document = new VolfileDocument();
            var brick = document.Add("brick", Directory is null ? "storage/memory" : "storage/posix");
            if (Directory is not null)
            {
                brick.Options.Add(new("directory", Directory));
            }

            var journal = document.Add("journal", "test/journal");
            journal.Subvolumes.Add("brick");
            return document;
        }
    }

    protected override IReadOnlyList<TranslatorRegistration> Types =>
    [
        MemoryTranslator.Registration,
        PosixTranslator.Registration,
        new("test/journal", place => new JournalTranslator(place, new OneMemberLog()), [], Maturity.Experimental),
    ];

    public static JournalRig Started(bool isOnDisk = false)
    {
        var rig = new JournalRig(isOnDisk);
        rig.Start();
        return rig;
    }

    public override void Dispose()
    {
        base.Dispose();
        _directory?.Delete(recursive: true);
    }

    private sealed class OneMemberLog : IReplicaLog
    {
        private ulong _last;

        public Term ServingTerm => new(1);

        public ValueTask<ProposeResult> FindAsync(Term term, SessionKey session) => new(new ProposeResult(Errno.Ok, default));

        public ValueTask<Errno> ConfirmAsync(Term term) => new(Errno.Ok);

        public LockTable Locks { get; } = new();

        public ValueTask<ProposeResult> ProposeLockAsync(Term term, SessionKey session, LockRecord record) =>
            throw new NotSupportedException();

        public void Applied(JournalIndex index, Errno error) => Xunit.Assert.Equal(Errno.Ok, error);

        public ValueTask<ProposeResult> ProposeAsync(
            Term term, SessionKey session, ReadOnlyMemory<byte> meta, Payload data) =>
            new(new ProposeResult(Errno.Ok, new JournalIndex(Interlocked.Increment(ref _last))));
    }
}

/// <summary>The contract through the journal on storage/memory.</summary>
public sealed class JournalContractTests : StorageContract
{
    protected override StorageRig NewRig() => JournalRig.Started();
}

/// <summary>The contract through the journal on storage/posix.</summary>
public sealed class JournalOnDiskContractTests : StorageContract
{
    protected override StorageRig NewRig() => JournalRig.Started(isOnDisk: true);
}
