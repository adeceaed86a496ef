using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Cluster.Journal;
using Myrmex.Contract.Tests.Storage;
using Myrmex.Graph;
using Myrmex.Runtime;
using Myrmex.Unit.Tests.Kit;
using Xunit;

namespace Myrmex.Replication.Unit.Tests.Operations;

/// <summary>An entry as the tests keep it: the meta part in bytes and the data part.</summary>
internal sealed record LoggedOperation(byte[] Meta, byte[] Data)
{
    public JournalOperation Operation
    {
        get
        {
            Assert.True(OperationCodec.TryDecode(Meta, out var operation));
            return operation;
        }
    }

    public async Task<RedoResult> ApplyAsync(Redo redo)
    {
        var data = Payload.CopyOf(Data);
        var result = await redo.ApplyAsync(Operation, data);
        data.Release();
        return result;
    }
}

/// <summary>
/// Random fops on few names, so that they meet often, evaluated on a leader's store and applied there at once. Every choice comes
/// from the seed.
/// </summary>
internal sealed class RandomFops
{
    private readonly Random _random;
    private readonly ManualTime _time = new();
    private readonly Seams _seams;
    private readonly Evaluator _evaluator;
    private readonly Redo _redo;
    private readonly IForcedStore _forced;
    private readonly List<Gfid> _directories = [Gfid.Root];
    private readonly List<Gfid> _files = [];

    public RandomFops(int seed, StorageRig leader)
    {
        _random = new Random(seed);
        _seams = TestPlace.Seams(_time, seed);
        _evaluator = new Evaluator(leader.Store, _seams);
        _redo = new Redo(leader.Store);
        _forced = (IForcedStore)leader.Store;

        // Some files are open when they lose their last name.
        _evaluator.MustKeep = (in Iatt _, bool _) => _random.Next(3) > 0;
    }

    public List<LoggedOperation> Log { get; } = [];

    /// <summary>Fops that failed and fops without effect.</summary>
    public int Refused { get; private set; }

    /// <summary>Most fops are writes to a few files.</summary>
    public bool WritesMuch { get; init; }

    /// <summary>Files that lived on without a name.</summary>
    public int Kept { get; private set; }

    /// <summary>Goes on with what others have made; some of it may not be there.</summary>
    public void Adopt(IEnumerable<JournalOperation> operations)
    {
        foreach (var operation in operations.Where(o => o.IsCreation))
        {
            (operation.IsDirectory ? _directories : _files).Add(operation.Gfid);
        }
    }

    /// <param name="mayDisplace">The store has diverged already.</param>
    public async Task RunAsync(int count, bool mayDisplace = false)
    {
        while (Log.Count < count)
        {
            await StepAsync();
        }

        Assert.True(mayDisplace || _redo.Displaced == 0);
    }

    private async Task StepAsync()
    {
        // Mostly forward, sometimes by much, sometimes back.
        _time.WallNs += _random.Next(10) switch
        {
            0 => 40_000_000_000L,
            1 => -25_000_000_000L,
            _ => _random.Next(1_000_000_000),
        };
        var client = Call.Rent();
        client.Uid = _random.Next(3) == 0 ? 0 : 1000u + (uint)_random.Next(2);
        client.Gid = client.Uid;
        var evaluation = await NextAsync(client);
        client.Release();
        if (evaluation.Operation is not { } operation)
        {
            Refused++;
            return;
        }

        var logged = new LoggedOperation(OperationCodec.Encode(operation), evaluation.Data.Span.ToArray());
        evaluation.Data.Release();
        var result = await logged.ApplyAsync(_redo);
        Assert.Equal(Errno.Ok, result.Error);
        Assert.False(result.IsMissing);
        Log.Add(logged);
        Kept += operation.Keeps ? 1 : 0;
        if (operation.IsCreation)
        {
            (operation.IsDirectory ? _directories : _files).Add(operation.Gfid);
        }
    }

    private Gfid Directory => _directories[_random.Next(2) == 0 ? _random.Next(_directories.Count) : Math.Max(0, _directories.Count - 1 - _random.Next(3))];

    private Gfid File => _files.Count == 0 ? Gfid.Root : _files[Math.Max(0, _files.Count - 1 - _random.Next(6))];

    private Name Name => "abcdef"[_random.Next(6)].ToString();

    private XData NewGfid()
    {
        var xdata = XData.Rent();
        xdata.SetGfid("gfid-req"u8, _seams.NewGfid());
        if (_random.Next(3) == 0)
        {
            xdata.SetBytes("trusted.glusterfs.dht"u8, [1, 2, (byte)_random.Next(256)]);
        }

        return xdata;
    }

    /// <summary>A file without a name; the null gfid when there is none.</summary>
    private Gfid OneKept
    {
        get
        {
            var all = _forced.ListKept().OrderBy(g => g.ToString(), StringComparer.Ordinal).ToList();
            return all.Count == 0 ? default : all[_random.Next(all.Count)];
        }
    }

    /// <summary>Distributing clients make link files with the gfid of a file that was there before.</summary>
    private XData NewOrKeptGfid()
    {
        var xdata = NewGfid();
        if (_random.Next(4) == 0 && OneKept is { IsNull: false } kept)
        {
            xdata.SetGfid("gfid-req"u8, kept);
        }

        return xdata;
    }

    private uint Mode => _random.Next(8) == 0 ? 0xDEDu : (uint)_random.Next(0x1FF + 1);

    private Payload NewData()
    {
        var bytes = new byte[_random.Next(1, _random.Next(WritesMuch ? 2 : 4) == 0 ? 70_000 : 200)];
        _random.NextBytes(bytes);
        return Payload.CopyOf(bytes);
    }

    private async ValueTask<Evaluation> NextAsync(Call client)
    {
        switch (WritesMuch && _random.Next(3) > 0 ? 23 : _random.Next(25))
        {
            case 24 when OneKept is { IsNull: false } kept:
                return _evaluator.EndKept(kept);
            case 0 or 1 or 2:
                return await _evaluator.CreateAsync(
                    new CreateFop { Parent = Directory, Name = Name, Mode = Mode, Flags = OpenFlags.ReadWrite | OpenFlags.Exclusive, Fd = Fd.Anonymous(default), XData = NewOrKeptGfid() }, client);
            case 3:
                return await _evaluator.MknodAsync(
                    new MknodFop { Parent = Directory, Name = Name, Mode = FileMode.Fifo | Mode, XData = NewGfid() }, client);
            case 4 or 5 or 6:
                return await _evaluator.MkdirAsync(
                    new MkdirFop { Parent = Directory, Name = Name, Mode = _random.Next(6) == 0 ? 0x5EDu : Mode, XData = NewGfid() }, client);
            case 7:
                return await _evaluator.SymlinkAsync(
                    new SymlinkFop { Parent = Directory, Name = Name, Target = "to/" + _random.Next(), XData = NewGfid() }, client);
            case 8:
                return await _evaluator.LinkAsync(new LinkFop { Gfid = File, NewParent = Directory, NewName = Name });
            case 9 or 10:
                return await _evaluator.UnlinkAsync(new UnlinkFop { Parent = Directory, Name = Name });
            case 11:
                return await _evaluator.RmdirAsync(new RmdirFop { Parent = Directory, Name = Name });
            case 12 or 13 or 14 or 15:
                return await _evaluator.RenameAsync(
                    new RenameFop { OldParent = Directory, OldName = Name, NewParent = Directory, NewName = Name });
            default:
                return await NextOnFileAsync(client);
        }
    }

    private async ValueTask<Evaluation> NextOnFileAsync(Call client)
    {
        var gfid = File;
        var fd = Fd.Anonymous(gfid);
        var offset = (long)_random.Next(100_000);
        switch (WritesMuch && _random.Next(2) > 0 ? 0 : _random.Next(12))
        {
            case 0 or 1 or 2:
                var data = NewData();
                var write = await _evaluator.WriteAsync(new WriteFop { Gfid = gfid, Fd = fd, Offset = offset, Data = data }, client);
                data.Release();
                return write;
            case 3:
                return await _evaluator.TruncateAsync(new TruncateFop { Gfid = gfid, Offset = offset }, client);
            case 4:
                return await _evaluator.ZerofillAsync(new ZerofillFop { Gfid = gfid, Fd = fd, Offset = offset, Length = 5000 }, client);
            case 5:
                return await _evaluator.DiscardAsync(new DiscardFop { Gfid = gfid, Fd = fd, Offset = offset, Length = 9000 }, client);
            case 6:
                return await _evaluator.FallocateAsync(
                    new FallocateFop { Gfid = gfid, Fd = fd, Flags = (uint)_random.Next(2), Offset = offset, Length = 100 }, client);
            case 7:
                return await _evaluator.SetattrAsync(FopCode.Setattr, _random.Next(2) == 0 ? gfid : Directory, NewAttributes(), (SetattrValid)_random.Next(0x80));
            case 8:
                return await SetxattrAsync(_random.Next(2) == 0 ? gfid : Directory, client);
            case 9:
                return await _evaluator.RemovexattrAsync(
                    FopCode.Removexattr, _random.Next(2) == 0 ? gfid : Directory, "trusted.x" + _random.Next(3), null);
            case 10:
                var operands = XData.Rent();
                operands.SetBytes("trusted.afr.test"u8, [0, 0, 0, (byte)_random.Next(2), 0, 0, 0, 1]);
                var xattrop = await _evaluator.XattropAsync(FopCode.Xattrop, gfid, XattropKind.AddArray32, operands);
                operands.Release();
                return xattrop;
            default:
                return await PutOrCopyAsync(gfid, client);
        }
    }

    private async ValueTask<Evaluation> PutOrCopyAsync(Gfid gfid, Call client)
    {
        if (_random.Next(2) == 0)
        {
            var other = File;
            return await _evaluator.CopyFileRangeAsync(
                new CopyFileRangeFop
                {
                    Source = other,
                    SourceFd = Fd.Anonymous(other),
                    Target = gfid,
                    TargetFd = Fd.Anonymous(gfid),
                    SourceOffset = _random.Next(100),
                    TargetOffset = _random.Next(1000),
                    Length = 5000,
                },
                client);
        }

        var data = NewData();
        var xattrs = XData.Rent();
        xattrs.SetBytes("trusted.x1"u8, [9]);
        var put = await _evaluator.PutAsync(
            new PutFop { Parent = Directory, Name = Name, Mode = Mode, Offset = _random.Next(100), Data = data, Xattrs = xattrs, XData = NewGfid() }, client);
        data.Release();
        return put;
    }

    private Iatt NewAttributes()
    {
        // Times long ago and far ahead, so that later stamps meet both.
        var seconds = _time.WallNs / 1_000_000_000;
        return new Iatt
        {
            Mode = Mode,
            Uid = (uint)_random.Next(3),
            Gid = (uint)_random.Next(3),
            Atime = _random.Next(1000),
            Mtime = _random.Next(2) == 0 ? 5 : seconds + _random.Next(100),
            Ctime = seconds + _random.Next(50),
            MtimeNsec = 7,
        };
    }

    private async ValueTask<Evaluation> SetxattrAsync(Gfid gfid, Call client)
    {
        var values = XData.Rent();
        for (var i = 0; i <= _random.Next(2); i++)
        {
            values.SetBytes(System.Text.Encoding.ASCII.GetBytes("trusted.x" + _random.Next(3)), [(byte)_random.Next(256)]);
        }

        var evaluation = await _evaluator.SetxattrAsync(
            FopCode.Setxattr, gfid, values, (uint)_random.Next(3), null, client);
        values.Release();
        return evaluation;
    }
}
