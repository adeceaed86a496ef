using System;
using Myrmex.Interop.Tests.Kit;
using Xunit;

namespace Myrmex.Interop.Tests;

/// <summary>Locks that wait, are interrupted, and end with processes: what only a kernel can show.</summary>
public sealed class MountLockTests(MemoryBrickInTheClient volume) : IClassFixture<MemoryBrickInTheClient>
{
    private const string Prelude =
        """
        import errno, fcntl, os, signal, struct, sys, time
        OFD_SETLK, OFD_SETLKW = 37, 38
        def record(kind, start=0, length=0): return struct.pack("hhqqi4x", kind, 0, start, length, 0)
        def child(work):
            r, w = os.pipe(); pid = os.fork()
            if pid == 0:
                os.close(r)
                try: text = work(w) or "ok"
                except OSError as e: text = errno.errorcode[e.errno]
                os.write(w, text.encode()); os._exit(0)
            os.close(w)
            return pid, r
        def result(pid, r):
            text = b""
            while True:
                more = os.read(r, 100)
                if not more: break
                text += more
            os.waitpid(pid, 0); return text.decode()
        def blocked(pid, seconds=0.4):
            time.sleep(seconds); return os.waitpid(pid, os.WNOHANG) == (0, 0)
        f = open(sys.argv[1], "w+b")
        """;

    [InteropTheory(Need.Fuse | Need.Python)]
    [InlineData("fcntl", "fcntl.lockf(f, fcntl.LOCK_EX)", "fcntl.lockf(g, fcntl.LOCK_EX)")]
    [InlineData("flock", "fcntl.flock(f, fcntl.LOCK_EX)", "fcntl.flock(g, fcntl.LOCK_EX)")]
    [InlineData("ofd", "fcntl.fcntl(f, OFD_SETLK, record(fcntl.F_WRLCK))", "fcntl.fcntl(g, OFD_SETLKW, record(fcntl.F_WRLCK))")]
    public void AnInterruptedWaitEndsAndLeavesNoLock(string name, string hold, string wait) => Run(
        name,
        $$"""
        {{hold}}
        def waiter(w):
            g = open(sys.argv[1], "r+b")
            class Alarm(Exception): pass
            def ring(*_): raise Alarm()
            signal.signal(signal.SIGALRM, ring); signal.setitimer(signal.ITIMER_REAL, 0.3)
            try: {{wait}}; return "granted"
            except Alarm: return "interrupted"
        print(result(*child(waiter)))
        f.close()
        def again(w):
            g = open(sys.argv[1], "r+b"); {{wait.Replace("SETLKW", "SETLK", StringComparison.Ordinal).Replace("LOCK_EX)", "LOCK_EX | fcntl.LOCK_NB)", StringComparison.Ordinal)}}; return "granted"
        print(result(*child(again)))
        """,
        "interrupted\ngranted\n");

    [InteropTheory(Need.Fuse | Need.Python)]
    [InlineData("fcntl-kill", "fcntl.lockf(f, fcntl.LOCK_EX)", "fcntl.lockf(g, fcntl.LOCK_EX)")]
    [InlineData("flock-kill", "fcntl.flock(f, fcntl.LOCK_EX)", "fcntl.flock(g, fcntl.LOCK_EX)")]
    public void AWaitingProcessCanBeKilled(string name, string hold, string wait) => Run(
        name,
        $$"""
        {{hold}}
        def waiter(w):
            g = open(sys.argv[1], "r+b"); {{wait}}
        pid, r = child(waiter)
        print(blocked(pid)); os.kill(pid, signal.SIGKILL)
        end = time.time() + 5
        while time.time() < end and os.waitpid(pid, os.WNOHANG) == (0, 0): time.sleep(0.05)
        print(time.time() < end)
        """,
        "True\nTrue\n");

    [InteropTheory(Need.Fuse | Need.Python)]
    [InlineData("fcntl-exit", "fcntl.lockf(h, fcntl.LOCK_EX)", "fcntl.lockf(f, fcntl.LOCK_EX | fcntl.LOCK_NB)")]
    [InlineData("flock-exit", "fcntl.flock(h, fcntl.LOCK_EX)", "fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB)")]
    [InlineData("ofd-exit", "fcntl.fcntl(h, OFD_SETLK, record(fcntl.F_WRLCK))", "fcntl.fcntl(f, OFD_SETLK, record(fcntl.F_WRLCK))")]
    public void LocksEndWithTheirProcess(string name, string hold, string take) => Run(
        name,
        $$"""
        def holder(w):
            h = open(sys.argv[1], "r+b"); {{hold}}; os.write(w, b"held "); time.sleep(60)
        pid, r = child(holder)
        print(os.read(r, 5).decode())
        try: {{take}}; print("granted")
        except OSError as e: print(errno.errorcode[e.errno])
        os.kill(pid, signal.SIGKILL); os.waitpid(pid, 0)
        end = time.time() + 5; got = False
        while time.time() < end and not got:
            try: {{take}}; got = True
            except OSError: time.sleep(0.05)
        print(got)
        """,
        "held \nEAGAIN\nTrue\n");

    [InteropFact(Need.Fuse | Need.Python)]
    public void AWaitIsGrantedWhenTheHolderUnlocks() => Run(
        "granted",
        """
        fcntl.lockf(f, fcntl.LOCK_EX, 10, 0)
        def waiter(w):
            g = open(sys.argv[1], "r+b"); fcntl.lockf(g, fcntl.LOCK_EX, 5, 5); return "granted"
        pid, r = child(waiter)
        print(blocked(pid)); fcntl.lockf(f, fcntl.LOCK_UN, 10, 0)
        print(result(pid, r))
        """,
        "True\ngranted\n");

    [InteropFact(Need.Fuse | Need.Python)]
    public void AnInterruptedUpgradeKeepsTheSharedLock() => Run(
        "upgrade",
        """
        fcntl.lockf(f, fcntl.LOCK_SH, 10, 0)
        def waiter(w):
            g = open(sys.argv[1], "r+b"); fcntl.lockf(g, fcntl.LOCK_SH, 10, 0)
            class Alarm(Exception): pass
            def ring(*_): raise Alarm()
            signal.signal(signal.SIGALRM, ring); signal.setitimer(signal.ITIMER_REAL, 0.3)
            try: fcntl.lockf(g, fcntl.LOCK_EX, 10, 0)
            except Alarm: os.write(w, b"interrupted ")
            time.sleep(60)
        pid, r = child(waiter)
        print(os.read(r, 20).decode()); time.sleep(0.2)
        try: fcntl.lockf(f, fcntl.LOCK_EX | fcntl.LOCK_NB, 10, 0); print("granted")
        except OSError as e: print(errno.errorcode[e.errno])
        os.kill(pid, signal.SIGKILL); os.waitpid(pid, 0)
        """,
        "interrupted \nEAGAIN\n");

    private void Run(string name, string script, string expected)
    {
        var file = volume.Directory.Write("lock-" + name + ".py", Prelude + "\n" + script);
        Assert.Equal(expected, Shell.Check(volume.MountPath, "python3", file, name));
    }
}
