using System;
using System.Collections.Generic;
using System.Linq;

namespace Myrmex.Host;

/// <summary>
/// The arguments of GlusterFS' mount helper as those of <c>myrmex mount</c>: <c>mount.glusterfs SOURCE DIRECTORY
/// [-nsv] [-o OPTIONS]</c>. What only tunes GlusterFS' client is left out; what changes what programs see is refused.
/// Source: mount.glusterfs(8) 10.3.
/// </summary>
internal static class GlusterMountArguments
{
    // They tune something that is done otherwise here, or not needed.
    private static readonly HashSet<string> Tuning = new(StringComparer.Ordinal)
    {
        "use-readdirp", "fopen-keep-cache", "auto-invalidation", "attr-times-granularity", "fetch-attempts",
        "volfile-check", "volfile-max-fetch-attempts", "lru-limit", "invalidate-limit", "congestion-threshold",
        "event-history", "oom-score-adj", "io-engine", "global-threading", "process-name", "localtime-logging",
        "fuse-flush-handle-interrupt", "fuse-dev-eperm-ratelimit-ns", "mem-accounting", "selinux", "capability",
        "root-squash", "no-root-squash", "client-pid", "inode32-off", "halo-max-latency", "halo-min-replicas",
    };

    private static readonly HashSet<string> Refused = new(StringComparer.Ordinal)
    {
        "worm", "enable-ino32", "aux-gfid-mount", "xlator-option", "dump-fuse", "volume-name", "volume-id",
        "kernel-writeback-cache",
    };

    /// <param name="version">Writes the version of this executable.</param>
    public static int Run(string[] args, Func<int> version)
    {
        try
        {
            return args.Contains("-V") || args.Contains("--version")
                ? version() : MountCommand.Entry.Run([.. Translate(args)]);
        }
        catch (FormatException e)
        {
            Console.Error.WriteLine(e.Message);
            return 1;
        }
    }

    /// <summary>Throws <see cref="FormatException"/> for what cannot be had.</summary>
    internal static List<string> Translate(string[] args)
    {
        var options = new List<string>();
        var places = new List<string>();
        for (var i = 0; i < args.Length; i++)
        {
            switch (args[i])
            {
                case "-o" or "--options" when i + 1 < args.Length:
                    options.AddRange(args[++i].Split(',', StringSplitOptions.RemoveEmptyEntries));
                    break;
                case "-t" when i + 1 < args.Length:
                    i++;
                    break;
                case var word when word.StartsWith("-o", StringComparison.Ordinal) && word.Length > 2:
                    options.AddRange(word[2..].Split(',', StringSplitOptions.RemoveEmptyEntries));
                    break;
                case var word when word.StartsWith('-') && word.Skip(1).All(c => c is 'n' or 's' or 'v'):
                    break; // mount(8): no mtab, be sloppy, be verbose.
                case var word when word.StartsWith('-'):
                    throw new FormatException($"Invalid option {word}");
                default:
                    places.Add(args[i]);
                    break;
            }
        }

        if (places.Count != 2)
        {
            throw new FormatException("Usage: mount.glusterfs <server>:<volume/subdir> <mountpoint> -o<options>");
        }

        var result = options.Select(Translate).OfType<string>().ToList();
        places[0] = SplitServers(places[0], result);
        return result.Count == 0 ? places : ["-o", string.Join(',', result), .. places];
    }

    private static string? Translate(string option)
    {
        var equals = option.IndexOf('=');
        var name = equals < 0 ? option : option[..equals];
        var value = equals < 0 ? string.Empty : option[(equals + 1)..];
        if (Tuning.Contains(name) || (name == "kernel-writeback-cache" && value is "no" or "off")
            || (name == "transport" && value == "tcp"))
        {
            return null;
        }

        if (Refused.Contains(name) || name == "transport")
        {
            throw new FormatException($"Invalid option {option}: it is not supported by this version");
        }

        return name == "server-port" ? $"volfile-server-port={value}" : option;
    }

    /// <summary>"h1,h2:/VOL" is h1 with h2 to fall back to.</summary>
    private static string SplitServers(string source, List<string> options)
    {
        var colon = source.IndexOf(":/", StringComparison.Ordinal);
        colon = colon < 0 ? source.LastIndexOf(':') : colon;
        var hosts = colon < 0 ? [] : source[..colon].Split(',');
        if (hosts.Length < 2)
        {
            return source;
        }

        options.RemoveAll(o => o.StartsWith("backup", StringComparison.Ordinal));
        options.Add("backup-volfile-servers=" + string.Join(':', hosts.Skip(1)));
        return hosts[0] + source[colon..];
    }
}
