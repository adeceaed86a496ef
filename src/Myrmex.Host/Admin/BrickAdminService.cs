using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Runtime.InteropServices;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Graph;
using Myrmex.Management.BrickAdmin;
using Myrmex.Protocol;
using Myrmex.Runtime;
using Myrmex.Storage;

namespace Myrmex.Host;

/// <summary>Answers what administrators ask a brick process. It may block: never on a reactor.</summary>
/// <param name="graphs">The graphs that run now.</param>
internal sealed class BrickAdminService(Func<IReadOnlyList<TranslatorGraph>> graphs, ExportTable exports, IClock clock)
{
    /// <summary>Why a brick does not run, if that is known.</summary>
    public Func<string, string?> ProblemOf { get; init; } = _ => null;

    /// <summary>Throws <see cref="BrickAdminException"/> with the reason when there is no answer.</summary>
    public async Task<BrickAnswer> AnswerAsync(BrickRequest request)
    {
        try
        {
            return request.Question switch
            {
                BrickQuestion.Memory => new BrickAnswer { Memory = BrickAnswers.Memory() },
                BrickQuestion.Metrics => new BrickAnswer
                {
                    Text = await BrickMetrics.TextAsync(graphs().SelectMany(BrickView.Of), exports),
                },
                BrickQuestion.RotateLog => new BrickAnswer { Text = HostLog.Rotate(clock.WallNs / 1_000_000_000) },
                _ => await AnswerAsync(request, Find(request.Brick)),
            };
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new BrickAdminException(e.Message);
        }
    }

    private async Task<BrickAnswer> AnswerAsync(BrickRequest request, BrickView brick) => request.Question switch
    {
        BrickQuestion.Clients => new BrickAnswer { Clients = BrickAnswers.Clients(brick.ClientsOf(exports, 0)) },
        BrickQuestion.Fds => new BrickAnswer { Fds = BrickAnswers.Fds(Named(brick)) },
        BrickQuestion.Inodes => new BrickAnswer
        {
            Inodes = BrickAnswers.Inodes(brick.ClientsOf(exports, int.MaxValue)),
        },
        BrickQuestion.Calls => new BrickAnswer { Calls = BrickAnswers.Calls(brick.CallsOf(exports)) },
        BrickQuestion.Leases => new BrickAnswer { Leases = await LeasesAsync(brick) },
        BrickQuestion.Profile => new BrickAnswer { Profile = Profile(brick, Needed(request.Profile)) },
        BrickQuestion.ClearProfile => new BrickAnswer { Profile = ClearProfile(brick) },
        BrickQuestion.Top => new BrickAnswer { Top = await TopAsync(brick, Needed(request.Top)) },
        BrickQuestion.ClearTop => new BrickAnswer { Top = ClearTop(brick) },
        BrickQuestion.StateDump => new BrickAnswer { Text = Dump(brick, Needed(request.StateDump)) },
        BrickQuestion.Replicas => new BrickAnswer { Replicas = await ReplicasAsync(brick) },
        BrickQuestion.ClearLocks => new BrickAnswer { Text = await ClearLocksAsync(brick, Needed(request.ClearLocks)) },
        BrickQuestion.MoveLead => new BrickAnswer { Text = await MoveLeadAsync(brick, Needed(request.MoveLead)) },
        _ => throw new BrickAdminException("the brick process does not know this question"),
    };

    private BrickView Find(string name) => graphs().SelectMany(BrickView.Of).FirstOrDefault(b => b.Name == name)
        ?? throw new BrickAdminException(ProblemOf(name) ?? $"brick {name} is not running here");

    private static T Needed<T>(T? query)
        where T : class => query ?? throw new BrickAdminException("the request lacks its query");

    private static Debug.IoStats StatsOf(BrickView brick) =>
        brick.Stats ?? throw new BrickAdminException("the brick has no io-stats");

    /// <summary>All clients with as many open files as one answer may name.</summary>
    private IReadOnlyList<ClientView> Named(BrickView brick)
    {
        var left = BrickAdminProgram.ListMax;
        var clients = new List<ClientView>();
        foreach (var client in brick.ClientsOf(exports, BrickAdminProgram.ListMax))
        {
            clients.Add(client with { Fds = [.. client.Fds.Take(left)] });
            left -= clients[^1].Fds.Count;
        }

        return clients;
    }

    private static BrickProfile Profile(BrickView brick, ProfileQuery query)
    {
        var stats = StatsOf(brick);
        return new BrickProfile(
            query.Cumulative ? BrickAnswers.Figures(stats.Total()) : null,
            query.Interval ? BrickAnswers.Figures(stats.Interval(query.Peek)) : null)
        {
            Counting = stats.Counting,
        };
    }

    private static BrickProfile ClearProfile(BrickView brick)
    {
        var stats = StatsOf(brick);
        stats.Clear();
        return new BrickProfile(null, null, Cleared: true) { Counting = stats.Counting };
    }

    private static BrickTop ClearTop(BrickView brick)
    {
        StatsOf(brick).ClearTop();
        return new BrickTop([]);
    }

    private async Task<BrickTop> TopAsync(BrickView brick, TopQuery query)
    {
        var stats = StatsOf(brick);
        var kind = BrickAnswers.KindOf(query.List);
        var files = new List<TopFile>();
        foreach (var file in stats.Top(kind, Math.Clamp(query.Count, 1, 100)))
        {
            files.Add(new TopFile(await PathOfAsync(brick, file.Gfid), (long)file.Of(kind), file.WallNsOf(kind)));
        }

        var open = stats.OpenFiles;
        var top = new BrickTop(files)
        {
            CurrentOpen = open.Current,
            MaxOpen = open.Max,
            MaxOpenWallNs = open.MaxWallNs,
        };
        if (query.BlockSize == 0 || query.List is not (TopList.ReadPerf or TopList.WritePerf))
        {
            return top;
        }

        var posix = brick.Graph.Translators.OfType<PosixTranslator>().FirstOrDefault()
            ?? throw new BrickAdminException("the brick is not on a disk");
        var (bytes, ns) = DiskSpeed.Measure(clock, posix.Options.Text("directory"), query);
        return top with { Throughput = bytes * 1000.0 / Math.Max(ns, 1), TimeTakenUs = ns / 1000.0 };
    }

    private static async Task<BrickLeases> LeasesAsync(BrickView brick)
    {
        var leases = new List<BrickLease>();
        foreach (var lease in brick.Leases(BrickAdminProgram.ListMax))
        {
            leases.Add(BrickAnswers.Lease(lease, await PathOfAsync(brick, lease.Gfid)));
        }

        return new BrickLeases(leases);
    }

    /// <summary>Path of a file in the volume, by the storage's own record; its gfid when there is none.</summary>
    private static async Task<string> PathOfAsync(BrickView brick, Gfid gfid)
    {
        var call = Call.Internal();
        Name key = "glusterfs.ancestry.path";
        var reply = await brick.Below.Getxattr(new GetxattrFop { Gfid = gfid, Name = key }, call);
        var path = reply.IsOk && reply.Values is { } values && values.TryGetBytes(key.Span, out var bytes)
            ? System.Text.Encoding.UTF8.GetString(bytes).TrimEnd('\0') : string.Empty;
        reply.Release();
        call.Release();
        return path.Length == 0 ? $"<gfid:{gfid}>" : path[0] == '/' ? path : "/" + path;
    }

    private string Dump(BrickView brick, StateDumpQuery query) =>
        Path.IsPathFullyQualified(query.Directory)
            ? new BrickStateDump(brick, exports, clock, query.Sections).Write(query.Directory)
            : throw new BrickAdminException("the directory of a state dump must be absolute");

    private static async Task<BrickReplicas> ReplicasAsync(BrickView brick)
    {
        try
        {
            return new BrickReplicas(await brick.ReplicasAsync());
        }
        catch (TimeoutException)
        {
            throw new BrickAdminException("the journal of the brick does not answer; see its log");
        }
    }

    private static async Task<string> MoveLeadAsync(BrickView brick, MoveLeadQuery query)
    {
        var lead = brick.Graph.Translators.OfType<IReplicaLead>().FirstOrDefault()
            ?? throw new BrickAdminException("the brick is in no replica set");
        return await lead.MoveLeadAsync(query.Member) is { } problem
            ? throw new BrickAdminException(problem) : "the lead is moved";
    }

    /// <summary>Source: volume clear-locks, which is a getxattr of a name that says what to clear.</summary>
    private static async Task<string> ClearLocksAsync(BrickView brick, ClearLocksQuery query)
    {
        var call = Call.Internal();
        try
        {
            var (gfid, found) = await FindAsync(brick.Below, query.Path, call);
            if (found == Errno.EREMOTE)
            {
                return VolumeAdmin.NothingCleared; // All locks of a replica set are at the member that leads.
            }

            Check(found);
            var kind = query.Kind.ToString().ToLowerInvariant();
            Name name = $"glusterfs.clrlk.t{query.Type}.k{kind}"
                + (query.Argument.Length > 0 ? "." + query.Argument : string.Empty);
            var reply = await brick.Below.Getxattr(new GetxattrFop { Gfid = gfid, Name = name }, call);
            var text = reply.IsOk && reply.Values is { } values && values.TryGetBytes(name.Span, out var bytes)
                ? System.Text.Encoding.UTF8.GetString(bytes).TrimEnd('\0') : string.Empty;
            var error = reply.Error;
            reply.Release();
            Check(error);

            // "TRANSLATOR: what was cleared": the brick's name comes before it for people.
            var colon = text.IndexOf(": ", StringComparison.Ordinal);
            return colon < 0 ? text : text[(colon + 2)..];
        }
        finally
        {
            call.Release();
        }
    }

    private static async Task<(Gfid Gfid, Errno Error)> FindAsync(Translator top, string path, Call call)
    {
        var at = Gfid.Root;
        foreach (var part in path.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            Name name = part;
            if (!name.IsValidEntry)
            {
                return (Gfid.Null, Errno.EINVAL);
            }

            var reply = await top.Lookup(new LookupFop { Parent = at, Name = name }, call);
            var error = reply.Error;
            at = reply.IsOk ? reply.Iatt.Gfid : Gfid.Null;
            reply.Release();
            if (error != Errno.Ok)
            {
                return (Gfid.Null, error);
            }
        }

        return (at, Errno.Ok);
    }

    private static void Check(Errno error)
    {
        if (error != Errno.Ok)
        {
            throw new BrickAdminException(Marshal.GetPInvokeErrorMessage((int)error));
        }
    }
}
