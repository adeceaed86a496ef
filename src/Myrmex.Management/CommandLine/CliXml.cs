using System;
using System.Collections.Generic;
using System.Globalization;
using System.Security;
using System.Text;
using Myrmex.Management.Http;

namespace Myrmex.Management.CommandLine;

/// <summary>
/// The XML of <c>--xml</c>, element for element as GlusterFS writes it: root cliOutput with opRet, opErrno, opErrstr,
/// then what the command has to say.
/// </summary>
internal sealed class CliXml
{
    /// <summary>"Something failed", and "no such volume", in GlusterFS' numbers.</summary>
    public const int InternalError = 30800;

    public const int NoVolume = 30806;

    private const string Declaration = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n";

    // The places are GlusterFS' numbers.
    private static readonly string[] TaskStates =
    [
        "not started", "in progress", "stopped", "completed", "failed", "fix-layout in progress",
        "fix-layout stopped", "fix-layout completed", "fix-layout failed",
    ];

    private readonly StringBuilder _text = new(Declaration);
    private readonly Stack<string> _open = new();

    private CliXml() => Open("cliOutput");

    private CliXml(int result, int error, string message)
        : this() => Result(result, error, message);

    /// <summary>What volProfile calls <c>info</c>; 1 is start, 2 is stop.</summary>
    private const int ProfileInfo = 3;

    /// <param name="note">A number that tells something about the success.</param>
    public static CliXml Success(int note = 0) => new(0, note, string.Empty);

    /// <param name="message">Some commands tell of their success in words.</param>
    public static CliXml Success(string message) => new(0, 0, message);

    public static CliXml Failure(string message, int error = InternalError) => new(-1, error, message);

    /// <summary>Without its result: some commands have it at the end, by <see cref="Result"/>.</summary>
    public static CliXml Bare() => new();

    public void Result(int result, int error, string message)
    {
        Element("opRet", result);
        Element("opErrno", error);
        Element("opErrstr", message);
    }

    /// <summary>Closes what is open; call once, last.</summary>
    public override string ToString()
    {
        while (_open.Count > 0)
        {
            Close();
        }

        return _text.ToString();
    }

    /// <summary>cliOp and output, as set, reset and refused commands have them.</summary>
    public CliXml Outcome(string operation, string output)
    {
        Element("cliOp", operation);
        Element("output", output);
        return this;
    }

    /// <summary>Name and id of the volume that a command has changed.</summary>
    public CliXml Changed(string operation, VolumeMessage volume)
    {
        Open(operation);
        Open("volume");
        Element("name", volume.Name);
        Element("id", volume.Id);
        return this;
    }

    public CliXml List(IReadOnlyList<VolumeMessage> volumes)
    {
        Open("volList");
        Element("count", volumes.Count);
        foreach (var volume in volumes)
        {
            Element("volume", volume.Name);
        }

        return this;
    }

    public CliXml Info(IReadOnlyList<VolumeMessage> volumes)
    {
        Open("volInfo");
        Open("volumes");
        foreach (var volume in volumes)
        {
            Info(volume);
        }

        Element("count", volumes.Count);
        return this;
    }

    public CliXml Status(IReadOnlyList<VolumeStatusMessage> volumes, StatusParts parts)
    {
        Open("volStatus");
        Open("volumes");
        foreach (var volume in volumes)
        {
            Open("volume");
            Element("volName", volume.Name);
            if ((parts & StatusParts.Bricks) != 0)
            {
                Element("nodeCount", volume.Bricks.Count + volume.Proxies.Count);
                foreach (var brick in volume.Bricks)
                {
                    Node(brick.Host, brick.Path, brick.Node, brick.Online, brick.Port, brick.Pid, brick.Detail);
                }

                foreach (var proxy in volume.Proxies)
                {
                    Node(CliText.ProxyName, proxy.Host, proxy.Node, proxy.Online, proxy.Port, proxy.Pid);
                }
            }

            if ((parts & StatusParts.Tasks) != 0)
            {
                Tasks(volume.Tasks);
            }

            Close();
        }

        CloseEmptied();
        return this;
    }

    private void Tasks(IReadOnlyList<TaskMessage> tasks)
    {
        Open("tasks");
        foreach (var task in tasks)
        {
            Open("task");
            Element("type", CliText.TaskKind(task.Kind));
            Element("id", task.Id);
            Element("status", Array.IndexOf(TaskStates, CliText.TaskState(task)));
            Element("statusStr", CliText.TaskState(task));
            Close();
        }

        CloseEmptied();
    }

    /// <summary>The head of a refused profile command.</summary>
    public CliXml Profile(string volume, int op)
    {
        Open("volProfile");
        Element("volname", volume);
        Element("profileOp", op);
        if (op == ProfileInfo)
        {
            Element("brickCount", 0);
        }

        return this;
    }

    public CliXml RebalanceBegun(string task, string said)
    {
        Open("volRebalance");
        Element("task-id", task);
        Element("op", 1);
        Element("output", said);
        return this;
    }

    /// <summary>What commands on peers say.</summary>
    public CliXml Said(string text)
    {
        Element("output", text);
        return this;
    }

    public CliXml Uuid(string uuid)
    {
        Open("uuidGenerate");
        Element("uuid", uuid);
        return this;
    }

    /// <summary>All on one line, as <c>volume set help-xml</c> has it.</summary>
    public static string OptionHelp(IReadOnlyList<OptionHelpMessage> options)
    {
        var text = new StringBuilder(Declaration).Append("<options>");
        foreach (var option in options)
        {
            text.Append("<option><defaultValue>").Append(SecurityElement.Escape(option.Default ?? "(null)"))
                .Append("</defaultValue><description>").Append(SecurityElement.Escape(option.Help))
                .Append("</description><name>").Append(SecurityElement.Escape(option.Key)).Append("</name></option>");
        }

        return text.Append("</options>\n").ToString();
    }

    public CliXml Options(IReadOnlyList<OptionMessage> options)
    {
        Open("volGetopts");
        Element("count", options.Count);
        foreach (var option in options)
        {
            Open("Opt");
            Element("Option", option.Key);
            Element("Value", CliText.ValueOf(option));
            Close();
        }

        return this;
    }

    public CliXml Peers(IReadOnlyList<PeerMessage> peers, bool pool)
    {
        Open("peerStatus");
        foreach (var peer in peers)
        {
            if (pool || !peer.IsLocal)
            {
                Open("peer");
                Element("uuid", peer.Id);
                Element("hostname", peer.IsLocal ? "localhost" : peer.HostName);
                Element("connected", peer.Connected ? 1 : 0);
                Close();
            }
        }

        CloseEmptied();
        return this;
    }

    private void Info(VolumeMessage volume)
    {
        Open("volume");
        Element("name", volume.Name);
        Element("id", volume.Id);
        Element("status", volume.Status == "Started" ? 1 : volume.Status == "Stopped" ? 2 : 0);
        Element("statusStr", volume.Status);
        Element("snapshotCount", 0);
        Element("brickCount", volume.Bricks.Count);
        Element("distCount", volume.DistributeCount);
        Element("replicaCount", volume.ReplicaCount);
        Element("arbiterCount", volume.ArbiterCount);
        Element("disperseCount", 0);
        Element("redundancyCount", 0);
        Element("type", volume.TypeNumber);
        Element("typeStr", volume.Type);
        Element("transport", 0);
        Open("bricks");
        foreach (var brick in volume.Bricks)
        {
            Brick(brick);
        }

        Close();
        Element("optCount", volume.Options.Count);
        Open("options");
        foreach (var option in volume.Options)
        {
            Open("option");
            Element("name", option.Key);
            Element("value", option.Value ?? string.Empty);
            Close();
        }

        CloseEmptied();
        Close();
    }

    /// <summary>Text and elements mixed, so on one line.</summary>
    private void Brick(BrickMessage brick)
    {
        var name = Escape($"{brick.Host}:{brick.Path}");
        Indent();
        _text.Append("<brick uuid=\"").Append(brick.Node).Append("\">").Append(name)
            .Append("<name>").Append(name).Append("</name><hostUuid>").Append(brick.Node)
            .Append("</hostUuid><isArbiter>").Append(brick.IsArbiter ? 1 : 0).Append("</isArbiter></brick>\n");
    }

    private void Node(
        string host, string path, string node, bool online, int portNumber, int pid,
        BrickDetailMessage? found = null)
    {
        var port = online ? portNumber.ToString(CultureInfo.InvariantCulture) : "N/A";
        Open("node");
        Element("hostname", host);
        Element("path", path);
        Element("peerid", node);
        Element("status", online ? 1 : 0);
        Element("port", port);
        Open("ports");
        Element("tcp", port);
        Element("rdma", "N/A");
        Close();
        Element("pid", online ? pid : -1);
        if (found is { } detail)
        {
            Element("sizeTotal", detail.TotalBytes);
            Element("sizeFree", detail.FreeBytes);
            Element("device", detail.Device);
            Element("blockSize", detail.BlockSize);
            Element("mntOptions", detail.MountOptions);
            Element("fsName", detail.FileSystem);
            Element("inodesTotal", detail.Inodes);
            Element("inodesFree", detail.FreeInodes);
        }

        Close();
    }

    internal void Open(string name)
    {
        Indent();
        _text.Append('<').Append(name).Append(">\n");
        _open.Push(name);
    }

    internal void Open(string name, string attribute, string value)
    {
        Indent();
        _text.Append('<').Append(name).Append(' ').Append(attribute).Append("=\"")
            .Append(SecurityElement.Escape(value)).Append("\">\n");
        _open.Push(name);
    }

    internal void Close()
    {
        var name = _open.Pop();
        Indent();
        _text.Append("</").Append(name).Append(">\n");
    }

    /// <summary>Closes an element; one without content becomes a single tag.</summary>
    internal void CloseEmptied()
    {
        var opening = $"<{_open.Peek()}>\n";
        if (_text.Length >= opening.Length && _text.ToString(_text.Length - opening.Length, opening.Length) == opening)
        {
            _text.Length -= 2;
            _text.Append("/>\n");
            _open.Pop();
            return;
        }

        Close();
    }

    internal void Element(string name, IFormattable value) =>
        Element(name, value.ToString(null, CultureInfo.InvariantCulture));

    internal void Element(string name, string value)
    {
        Indent();
        if (value.Length == 0)
        {
            _text.Append('<').Append(name).Append("/>\n");
            return;
        }

        _text.Append('<').Append(name).Append('>').Append(Escape(value)).Append("</").Append(name).Append(">\n");
    }

    private void Indent() => _text.Append(' ', _open.Count * 2);

    /// <summary>As GlusterFS' XML writer does: quotes stay as they are in text.</summary>
    private static string Escape(string text) =>
        SecurityElement.Escape(text).Replace("&apos;", "'", StringComparison.Ordinal)
            .Replace("&quot;", "\"", StringComparison.Ordinal);
}
