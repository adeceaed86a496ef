using System;
using System.Buffers.Binary;
using System.Diagnostics;
using System.Globalization;
using System.Linq;
using System.Runtime.CompilerServices;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Graph;

namespace Myrmex.Bench;

/// <summary>A number of callers that each send one fop after the other, for some seconds.</summary>
/// <param name="top">Where fops go in; asked again after an error, because the lead may have moved.</param>
/// <param name="sessions">Operations are exactly-once: every caller has a session.</param>
internal sealed class Load(Func<Translator> top, bool sessions)
{
    public static readonly Gfid File = new(77, 99);
    private static ulong _lastSession = (ulong)Stopwatch.GetTimestamp();
    private static long _lastName;

    private readonly byte[] _data = new byte[1 << 20];

    /// <summary>Makes the file that the other fops use.</summary>
    public async Task PrepareAsync()
    {
        var caller = await BeginAsync();
        await caller.RunAsync(Kind.Mknod, 0, File, "f");
        await caller.RunAsync(Kind.Write, 1 << 20, File, "f");
    }

    /// <summary>One line of results; a warm-up of a fifth of the time is not counted.</summary>
    public async Task<string> MeasureAsync(Kind kind, int callers, int size, double seconds)
    {
        var all = new Caller[callers];
        for (var i = 0; i < callers; i++)
        {
            all[i] = await BeginAsync();
        }

        _ = await RunAsync(all, kind, size, seconds / 5);
        GC.Collect();
        var cpu = Process.GetCurrentProcess().TotalProcessorTime;
        var allocated = GC.GetTotalAllocatedBytes(precise: true);
        var clock = Stopwatch.StartNew();
        var count = await RunAsync(all, kind, size, seconds);
        var elapsed = clock.Elapsed;
        var bytes = GC.GetTotalAllocatedBytes(precise: true) - allocated;
        var used = Process.GetCurrentProcess().TotalProcessorTime - cpu;
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{count / elapsed.TotalSeconds,8:F0}/s {used.TotalMicroseconds / count,8:F1} us cpu {(double)bytes / count,9:F1} B");
    }

    private async Task<long> RunAsync(Caller[] callers, Kind kind, int size, double seconds)
    {
        var stop = new CancellationTokenSource(TimeSpan.FromSeconds(seconds));
        var counts = await Task.WhenAll(callers.Select(caller => Task.Run(async () =>
        {
            var count = 0L;
            while (!stop.IsCancellationRequested)
            {
                var isNew = kind == Kind.Mknod;
                var name = isNew ? Interlocked.Increment(ref _lastName) : 0;
                await caller.RunAsync(
                    kind, size, isNew ? new Gfid((ulong)name, 5) : File,
                    isNew ? "n" + name.ToString(CultureInfo.InvariantCulture) : "f");
                count++;
            }

            return count;
        })));
        stop.Dispose();
        return counts.Sum();
    }

    private async Task<Caller> BeginAsync()
    {
        var caller = new Caller(top, _data, sessions ? Interlocked.Increment(ref _lastSession) : 0);
        if (sessions)
        {
            await caller.RunAsync(Kind.BeginSession, 0, default, "");
        }

        return caller;
    }

    public enum Kind
    {
        Stat,
        Lookup,
        Read,
        Write,
        Mknod,
        BeginSession,
    }

    private sealed class Caller(Func<Translator> top, byte[] data, ulong session)
    {
        private readonly byte[] _record = new byte[32];
        private readonly byte[] _id = new byte[16];
        private ulong _sequence;

        [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
        public async ValueTask<bool> RunAsync(Kind kind, int size, Gfid gfid, string name)
        {
            _sequence += kind is Kind.Write or Kind.Mknod ? 1ul : 0ul;
            while (true)
            {
                var error = await TryAsync(kind, size, gfid, name);
                if (error == Errno.Ok)
                {
                    return true;
                }

                if (error is not (Errno.EREMOTE or Errno.ENOTCONN or Errno.EAGAIN))
                {
                    throw new InvalidOperationException($"{kind} failed: {error}");
                }

                await Task.Delay(20);
            }
        }

        [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
        private async ValueTask<Errno> TryAsync(Kind kind, int size, Gfid gfid, string name)
        {
            var call = Call.Internal();
            var reply = await SendAsync(kind, size, gfid, name, call);
            var error = reply.Error;
            reply.Release();
            call.Release();
            return error;
        }

        [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
        private async ValueTask<Reply> SendAsync(Kind kind, int size, Gfid gfid, string name, Call call)
        {
            var to = top();
            var fd = call.AnonymousFd(gfid);
            switch (kind)
            {
                case Kind.Stat:
                    return await to.Stat(new StatFop { Gfid = gfid }, call);
                case Kind.Lookup:
                    return await to.Lookup(new LookupFop { Parent = Gfid.Root, Name = name }, call);
                case Kind.Read:
                    return await to.Read(new ReadFop { Gfid = gfid, Fd = fd, Size = (uint)size }, call);
                default:
                    break;
            }

            var xdata = XData.Rent();
            BinaryPrimitives.WriteUInt64LittleEndian(_id, session);
            _id.CopyTo(_record, 0);
            BinaryPrimitives.WriteUInt64LittleEndian(_record.AsSpan(16), _sequence);
            BinaryPrimitives.WriteUInt64LittleEndian(_record.AsSpan(24), _sequence - 1);
            if (session != 0)
            {
                xdata.SetBytes("myrmex.session"u8, kind == Kind.BeginSession ? _id : _record);
            }

            Reply reply;
            if (kind == Kind.Write)
            {
                var payload = Payload.CopyOf(data.AsSpan(0, size));
                var offset = (long)(_sequence % 200) * size % (1 << 20);
                reply = await to.Write(
                    new WriteFop { Gfid = gfid, Fd = fd, Data = payload, Offset = offset, XData = xdata }, call);
                payload.Release();
            }
            else if (kind == Kind.Mknod)
            {
                xdata.SetGfid("gfid-req"u8, gfid);
                reply = await to.Mknod(
                    new MknodFop { Parent = Gfid.Root, Name = name, Mode = 0x81A4, XData = xdata }, call);
            }
            else
            {
                reply = await to.Ipc(new IpcFop { Operation = 0x4D59, XData = xdata }, call);
            }

            xdata.Release();
            return reply;
        }
    }
}
