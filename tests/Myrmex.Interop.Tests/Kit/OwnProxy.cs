using System;
using System.Globalization;
using System.IO;

namespace Myrmex.Interop.Tests.Kit;

/// <summary><c>myrmex proxy</c> as another node would run it, started by the test.</summary>
internal sealed class OwnProxy : IDisposable
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(60);

    private readonly TestDirectory _directory;
    private readonly string _list;
    private Child? _child;

    /// <param name="directory">Where its log goes.</param>
    /// <param name="list">File with the paths of volume files.</param>
    public OwnProxy(TestDirectory directory, string list)
    {
        _directory = directory;
        _list = list;
        Port = Addresses.FreePort("0.0.0.0");
        Start();
    }

    public int Port { get; }

    /// <summary>The process that serves; 0 when there is none. Its launcher starts another one.</summary>
    public int Pid => File.Exists(WorkerFile)
        && int.TryParse(File.ReadAllText(WorkerFile), CultureInfo.InvariantCulture, out var pid) ? pid : 0;

    private string WorkerFile => _directory[$"proxy-{Addresses.Text(Port)}.pid"];

    /// <summary>Starts it; one that runs is ended first.</summary>
    public void Start()
    {
        _child?.Dispose();
        _child = Child.Start(
            $"proxy-{Port}", _directory.Logs, Product.Executable, "proxy", "--port", Addresses.Text(Port), "--volumes",
            _list, "--worker-file", WorkerFile);
        Wait.Until("the second proxy listens", Soon, () => Pid > 0 && Addresses.Answers("127.0.0.1", Port), LogTail);
    }

    public void Stop() => _child?.Stop();

    /// <summary>To the launcher.</summary>
    public void Signal(string signal) => _child?.Signal(signal);

    public string LogTail() => _child?.LogTail() ?? "";

    public void Dispose() => _child?.Dispose();
}
