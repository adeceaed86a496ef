using System;
using System.Diagnostics;
using System.IO;
using System.Runtime.InteropServices;
using Myrmex.Fuse;
using Myrmex.Graph;
using Myrmex.Runtime;
using Myrmex.Runtime.Linux;

namespace Myrmex.Host;

/// <summary>
/// <c>myrmex mount</c>: a volume as a directory. In the background unless -f is given: the command runs itself again as
/// a child,
/// which reports over its standard output whether the mount answers, and only then becomes a daemon.
/// SIGTERM and SIGINT unmount; SIGUSR1 writes a state dump beside the log.
/// </summary>
internal static class MountCommand
{
    /// <summary>Set for the child: it reports on standard output.</summary>
    private const string ChildMark = "MYRMEX_MOUNT_CHILD";

    private const string Ready = "ready";

    /// <summary>SIGUSR1, which .NET does not name.</summary>
    private const PosixSignal DumpSignal = (PosixSignal)10;

    public static Command Entry { get; } = new("mount", "mount a volume", Run);

    private static int Run(string[] args)
    {
        MountArguments arguments;
        try
        {
            arguments = MountArguments.Parse(args);
        }
        catch (MountArgumentException e)
        {
            Console.Error.WriteLine(e.Message);
            return 1;
        }

        if (Environment.GetEnvironmentVariable(ChildMark) is not null)
        {
            return Serve(arguments, isChild: true);
        }

        return arguments.Foreground ? Serve(arguments, isChild: false) : StartChild(args, arguments);
    }

    /// <summary>Runs this program again and waits for its word.</summary>
    private static int StartChild(string[] args, MountArguments arguments)
    {
        var program = Environment.ProcessPath ?? throw new IOException("the path of this program is not known");
        var start = new ProcessStartInfo(program) { RedirectStandardOutput = true, UseShellExecute = false };
        if (Path.GetFileNameWithoutExtension(program) == "dotnet")
        {
            start.ArgumentList.Add(Environment.GetCommandLineArgs()[0]);
        }

        start.ArgumentList.Add("mount");
        foreach (var arg in args)
        {
            start.ArgumentList.Add(arg);
        }

        start.Environment[ChildMark] = "1";
        using var child = Process.Start(start) ?? throw new IOException("cannot start the mount process");
        var word = child.StandardOutput.ReadLine();
        if (word == Ready)
        {
            return 0;
        }

        if (word is null)
        {
            child.WaitForExit();
            word = $"the mount process ended with code {child.ExitCode} (see {arguments.LogFile})";
        }

        Console.Error.WriteLine($"myrmex mount: {word}");
        return 1;
    }

    private static int Serve(MountArguments arguments, bool isChild)
    {
        using var log = OpenLog(arguments);
        try
        {
            using var mount = new MountedVolume(arguments);
            mount.Start();
            if (arguments.PidFile.Length > 0)
            {
                File.WriteAllText(arguments.PidFile, $"{Environment.ProcessId}\n");
            }

            using var dump = OnSignal(DumpSignal, mount.WriteDump);
            using var terminate = OnSignal(PosixSignal.SIGTERM, mount.Unmount);
            using var interrupt = OnSignal(PosixSignal.SIGINT, mount.Unmount);
            using var hangUp = OnSignal(PosixSignal.SIGHUP, () => { });
            if (isChild)
            {
                BecomeDaemon();
            }

            mount.WaitForEnd();
            return 0;
        }
        catch (Exception e) when (e is FuseException or GraphException or IOException)
        {
            Log.Error("mount", "cannot mount", ("mount", arguments.MountPoint), ("reason", e.Message));
            Report(e.Message, isChild);
            return 1;
        }
        finally
        {
            if (arguments.PidFile.Length > 0)
            {
                File.Delete(arguments.PidFile);
            }
        }
    }

    // The parent shows what the child writes; line breaks would end it early.
    private static void Report(string problem, bool isChild)
    {
        if (isChild)
        {
            Console.Out.WriteLine(problem.Replace('\n', ' '));
            Console.Out.Flush();
        }
        else
        {
            Console.Error.WriteLine($"myrmex mount: {problem}");
        }
    }

    private static void BecomeDaemon()
    {
        Console.Out.WriteLine(Ready);
        Console.Out.Flush();
        Sys.NewSession();
        Directory.SetCurrentDirectory("/");
        Sys.DetachStandardStreams();
    }

    private static IDisposable OpenLog(MountArguments arguments)
    {
        if (arguments.Foreground)
        {
            return HostLog.Open(null, arguments.LogLevel);
        }

        try
        {
            return HostLog.Open(arguments.LogFile, arguments.LogLevel);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // No log is no reason not to mount.
            Log.WriteTo(null);
            return new MemoryStream();
        }
    }

    private static PosixSignalRegistration OnSignal(PosixSignal signal, Action action) =>
        PosixSignalRegistration.Create(signal, context =>
        {
            context.Cancel = true;
            action();
        });
}
