using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Text;
using Myrmex.Fuse;
using Myrmex.Graph;
using Myrmex.Runtime;
using Myrmex.Runtime.Linux;

namespace Myrmex.Host;

/// <summary>
/// The command line of <c>myrmex mount</c>, which is that of mount(8) helpers: <c>[-f] [-o OPTIONS] HOST:/VOL[/SUBDIR]
/// DIR</c>.
/// Option names are those of mount.glusterfs where the meaning is the same.
/// </summary>
internal sealed class MountArguments
{
    public const string Usage =
        """
        usage: myrmex mount [-f] [--thin] [-o OPTION[,OPTION...]] HOST[:PORT]:/VOLUME[/SUBDIR] DIRECTORY
               myrmex mount [-f] [-o OPTION[,OPTION...]] --volfile FILE [NAME] DIRECTORY
          -f                              stay in the foreground, log to standard error
          -o ro                           read-only
          -o backup-volfile-servers=H:H   further servers of the volume file, in order
          -o log-level=LEVEL, log-file=PATH, pid-file=PATH
          -o attribute-timeout=S, entry-timeout=S, negative-timeout=S   kernel caches (1, 1, 0)
          -o direct-io-mode=auto|enable|disable
          -o acl                          POSIX access control lists
          -o gid-timeout=S, resolve-gids=yes|no   supplementary groups of callers
          -o background-qlen=N            requests in the background (64)
          -o reader-thread-count=N        request loops (1)
          -o read-ahead-kb=N              read-ahead of the mount (1024)
          --thin, -o thin-client          one connection to a proxy does all
          --volfile-id ID, -o volfile-id=ID   volume file to ask for (VOLUME, or gfproxy-client/VOLUME when thin)
          -o metrics=ADDRESS              metrics over HTTP: HOST:PORT, a port of localhost, or a path (also --metrics)
          -o mount-timeout=S              wait for the volume at most (60)
          -o fuse-mountopts=OPTIONS       passed on to the mount call, colon-separated
        """;

    private static readonly Dictionary<string, uint> KernelFlags = new(StringComparer.Ordinal)
    {
        ["nosuid"] = Sys.MountNoSuid,
        ["nodev"] = Sys.MountNoDevices,
        ["noexec"] = Sys.MountNoExec,
        ["sync"] = Sys.MountSynchronous,
        ["dirsync"] = Sys.MountDirSync,
        ["noatime"] = Sys.MountNoAtime,
        ["nodiratime"] = Sys.MountNoDirAtime,
        ["relatime"] = Sys.MountRelAtime,
        ["strictatime"] = Sys.MountStrictAtime,
    };

    // What mount(8), fstab and systemd put there for themselves.
    private static readonly HashSet<string> Ignored = new(StringComparer.Ordinal)
    {
        "defaults", "rw", "auto", "noauto", "nofail", "_netdev", "user", "nouser", "users", "owner", "suid", "dev",
        "exec", "async", "atime", "diratime", "norelatime", "loud", "silent", "allow_other", "default_permissions",
    };

    private readonly List<string> _positional = [];
    private readonly Dictionary<string, string> _values = new(StringComparer.Ordinal);
    private readonly StringBuilder _extra = new();
    private uint _mountFlags;
    private bool _isReadOnly;
    private bool _acl;

    private MountArguments()
    {
    }

    public bool Foreground { get; private set; }

    public bool ThinClient { get; private set; }

    /// <summary>What the server is asked for.</summary>
    public string VolfileKey =>
        Value("volfile-id") is { Length: > 0 } id ? id : ThinClient ? "gfproxy-client/" + Volume : Volume;

    /// <summary>Volume file to mount without a server; empty for none.</summary>
    public string VolfilePath => Value("volfile");

    public string MountPoint { get; private set; } = string.Empty;

    /// <summary>As /proc/mounts shows it.</summary>
    public string Source { get; private set; } = string.Empty;

    public IReadOnlyList<LinkAddress> Servers { get; private set; } = [];

    public string Volume { get; private set; } = string.Empty;

    /// <summary>With a leading slash; empty for the whole volume.</summary>
    public string SubDirectory { get; private set; } = string.Empty;

    public string LogFile { get; private set; } = string.Empty;

    public string PidFile => Value("pid-file");

    /// <summary>Where metrics are answered; null for nowhere.</summary>
    public LinkAddress? Metrics { get; private set; }

    public LogLevel LogLevel { get; private set; } = LogLevel.Information;

    public int MountTimeoutMs { get; private set; } = 60_000;

    public FuseOptions Fuse { get; private set; } = new();

    /// <summary>Parses; throws <see cref="MountArgumentException"/> with a text for the user.</summary>
    public static MountArguments Parse(IReadOnlyList<string> args)
    {
        var arguments = new MountArguments();
        for (var i = 0; i < args.Count; i++)
        {
            switch (args[i])
            {
                case "-f" or "--foreground":
                    arguments.Foreground = true;
                    break;
                case "--thin" or "--thin-client":
                    arguments.ThinClient = true;
                    break;
                case "-o" or "-t" or "--volfile" or "--volfile-id" or "--metrics" when i + 1 == args.Count:
                    throw new MountArgumentException($"{args[i]} needs a value\n{Usage}");
                case "-o":
                    arguments.AddOptions(args[++i]);
                    break;
                case "-t":
                    i++;
                    break;
                case "--metrics":
                    arguments._values["metrics"] = args[++i];
                    break;
                case "--volfile":
                    arguments._values["volfile"] = args[++i];
                    break;
                case "--volfile-id":
                    arguments._values["volfile-id"] = args[++i];
                    break;
                case var text when text.StartsWith("--volfile-id=", StringComparison.Ordinal):
                    arguments._values["volfile-id"] = text["--volfile-id=".Length..];
                    break;
                case "-n" or "-s" or "-v":
                    // mount(8) hands these to every helper.
                    break;
                case ['-', ..]:
                    throw new MountArgumentException($"Invalid option {args[i]}\n{Usage}");
                default:
                    arguments._positional.Add(args[i]);
                    break;
            }
        }

        arguments.Finish();
        return arguments;
    }

    private static (string Key, string? Value) Split(string option)
    {
        var at = option.IndexOf('=', StringComparison.Ordinal);
        return at < 0 ? (option, null) : (option[..at], option[(at + 1)..]);
    }

    private void AddOptions(string list)
    {
        foreach (var option in list.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            var (key, value) = Split(option);
            if (KernelFlags.TryGetValue(key, out var flag) && value is null)
            {
                _mountFlags |= flag;
            }
            else if (!IsIgnored(key) && !TryAddSwitch(key, value) && !TryAddValue(key, value))
            {
                throw new MountArgumentException($"Invalid option {key}");
            }
        }
    }

    private static bool IsIgnored(string key) =>
        Ignored.Contains(key) || key.StartsWith("x-", StringComparison.Ordinal) || key == "comment";

    private bool TryAddSwitch(string key, string? value)
    {
        switch (key)
        {
            case "ro" when value is null:
                _isReadOnly = true;
                return true;
            case "acl" when value is null:
                _acl = true;
                return true;
            case "thin-client" when value is null:
                ThinClient = true;
                return true;
            default:
                return false;
        }
    }

    private bool TryAddValue(string key, string? value)
    {
        switch (key)
        {
            case "log-level" or "log-file" or "pid-file" or "volfile" or "volfile-id" or "backup-volfile-servers"
                or "attribute-timeout" or "entry-timeout" or "negative-timeout" or "direct-io-mode" or "gid-timeout"
                or "resolve-gids" or "background-qlen" or "reader-thread-count" or "read-ahead-kb" or "mount-timeout"
                or "volfile-server-port" or "metrics":
                _values[key] = value ?? throw new MountArgumentException($"option {key} needs a value");
                return true;
            case "backupvolfile-server":
                _values["backup-volfile-servers"] = value ?? string.Empty;
                return true;
            case "fuse-mountopts":
                _extra.Append(_extra.Length > 0 ? "," : string.Empty).Append((value ?? string.Empty).Replace(':', ','));
                return true;
            case "context" or "fscontext" or "defcontext" or "rootcontext":
                _extra.Append(_extra.Length > 0 ? "," : string.Empty).Append(key).Append('=').Append(value);
                return true;
            default:
                return false;
        }
    }

    private string Value(string key) => _values.GetValueOrDefault(key, string.Empty);

    private void Finish()
    {
        var isLocal = VolfilePath.Length > 0;
        if (_positional.Count != 2 && !(isLocal && _positional.Count == 1))
        {
            throw new MountArgumentException(Usage);
        }

        if (Value("metrics") is { Length: > 0 } metrics)
        {
            Metrics = MetricsResponder.ParseAddress(metrics)
                ?? throw new MountArgumentException($"option metrics: '{metrics}' is no address");
        }

        MountPoint = Path.TrimEndingDirectorySeparator(Path.GetFullPath(_positional[^1]));
        Source = isLocal
            ? _positional.Count == 2 ? _positional[0] : Path.GetFullPath(VolfilePath)
            : _positional[0];
        if (!isLocal)
        {
            ParseSource(_positional[0]);
        }

        LogLevel = ParseLevel(Value("log-level"));
        LogFile = Value("log-file") is { Length: > 0 } path
            ? Path.GetFullPath(path)
            : $"/var/log/myrmex/{MountPoint.Trim('/').Replace('/', '-')}.log";
        MountTimeoutMs = (int)Math.Min(Number("mount-timeout", 60, 1, 86_400) * 1000, int.MaxValue);
        Fuse = new FuseOptions
        {
            Source = Source,
            MountPoint = MountPoint,
            AttributeTimeoutNs = Timeout("attribute-timeout", 1),
            EntryTimeoutNs = Timeout("entry-timeout", 1),
            NegativeTimeoutNs = Timeout("negative-timeout", 0),
            GroupTimeoutNs = Timeout("gid-timeout", 5),
            ResolveGroups = Boolean("resolve-gids", whenMissing: true),
            DirectIO = ParseDirectIO(Value("direct-io-mode")),
            Acl = _acl,
            ReadOnly = _isReadOnly,
            MaxBackground = (int)Number("background-qlen", 64, 1, 65_535),
            Loops = (int)Number("reader-thread-count", 1, 1, 64),
            ReadAheadKb = (int)Number("read-ahead-kb", 1024, 0, 1 << 20),
            MountFlags = _mountFlags,
            ExtraMountOptions = _extra.ToString(),
        };
    }

    /// <summary>HOST:/VOL/SUBDIR, HOST:PORT:/VOL or HOST:VOL; an IPv6 host is in brackets.</summary>
    private void ParseSource(string source)
    {
        var slash = source.IndexOf(":/", StringComparison.Ordinal);
        var colon = slash >= 0 ? slash : source.LastIndexOf(':');
        if (colon <= 0 || colon + 1 == source.Length)
        {
            throw new MountArgumentException($"'{source}' is not HOST:/VOLUME\n{Usage}");
        }

        var path = source[(colon + 1)..].Trim('/');
        var end = path.IndexOf('/', StringComparison.Ordinal);
        Volume = end < 0 ? path : path[..end];
        SubDirectory = end < 0 ? string.Empty : path[end..];
        if (Volume.Length == 0)
        {
            throw new MountArgumentException($"'{source}' names no volume");
        }

        var servers = new List<LinkAddress> { ParseHost(source[..colon]) };
        foreach (var host in Value("backup-volfile-servers").Split(':', StringSplitOptions.RemoveEmptyEntries))
        {
            servers.Add(ParseHost(host));
        }

        Servers = servers;
    }

    private LinkAddress ParseHost(string text)
    {
        const int managementPort = 24007;
        var port = (int)Number("volfile-server-port", managementPort, 1, 65_535);
        if (text.StartsWith('[') && text.IndexOf(']', StringComparison.Ordinal) is > 0 and var close)
        {
            var rest = text[(close + 1)..];
            return new LinkAddress(text[1..close], rest.StartsWith(':') ? ParsePort(rest[1..]) : port);
        }

        var colon = text.IndexOf(':', StringComparison.Ordinal);
        return colon > 0 && text.IndexOf(':', colon + 1) < 0
            ? new LinkAddress(text[..colon], ParsePort(text[(colon + 1)..]))
            : new LinkAddress(text, port);
    }

    private static int ParsePort(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port is > 0 and < 65_536
            ? port
            : throw new MountArgumentException($"'{text}' is not a port");

    private long Number(string key, long whenMissing, long minimum, long maximum)
    {
        var text = Value(key);
        if (text.Length == 0)
        {
            return whenMissing;
        }

        return long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            && number >= minimum && number <= maximum
            ? number
            : throw new MountArgumentException($"option {key}: '{text}' is not a number from {minimum} to {maximum}");
    }

    /// <summary>Nanoseconds from seconds, fractions allowed.</summary>
    private long Timeout(string key, double whenMissing)
    {
        const double dayS = 86_400;
        var text = Value(key);
        var seconds = whenMissing;
        if (text.Length > 0 && (!double.TryParse(
            text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out seconds) || seconds > 365 * dayS))
        {
            throw new MountArgumentException($"option {key}: '{text}' is not a number of seconds");
        }

        return (long)(seconds * 1e9);
    }

    private bool Boolean(string key, bool whenMissing)
    {
        var text = Value(key);
        return text.Length == 0 ? whenMissing
            : OptionText.TryBoolean(text, out var value) ? value
            : throw new MountArgumentException($"option {key}: '{text}' is not yes or no");
    }

    private static DirectIOMode ParseDirectIO(string text) => text switch
    {
        "" or "auto" => DirectIOMode.Auto,
        _ when OptionText.TryBoolean(text, out var on) => on ? DirectIOMode.Enable : DirectIOMode.Disable,
        _ => throw new MountArgumentException($"option direct-io-mode: '{text}' is not auto, enable or disable"),
    };

    private static LogLevel ParseLevel(string text) => text.ToUpperInvariant() switch
    {
        "" or "INFO" or "INFORMATION" => LogLevel.Information,
        "TRACE" => LogLevel.Trace,
        "DEBUG" => LogLevel.Debug,
        "WARNING" => LogLevel.Warning,
        "ERROR" or "CRITICAL" => LogLevel.Error,
        "NONE" => LogLevel.None,
        _ => throw new MountArgumentException(
            $"option log-level: '{text}' is not TRACE, DEBUG, INFO, WARNING, ERROR or NONE"),
    };
}

/// <summary>A command line that cannot be used; the message is for the user.</summary>
internal sealed class MountArgumentException(string message) : Exception(message);
