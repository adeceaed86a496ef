using System;
using System.IO;
using Myrmex.Management;

namespace Myrmex.Host;

/// <summary>Where this executable and its daemon are.</summary>
internal static class HostPaths
{
    /// <summary>Names the working directory of the daemon that commands talk to.</summary>
    public const string WorkingDirectoryVariable = "MYRMEX_WORKDIR";

    public static string WorkingDirectory =>
        Environment.GetEnvironmentVariable(WorkingDirectoryVariable) is { Length: > 0 } directory
            ? Path.GetFullPath(directory) : DaemonOptions.DefaultWorkingDirectory;

    /// <summary>
    /// Directory with an administrator's certificate: the option, the environment, or where a user keeps settings.
    /// </summary>
    public static string CertificateOf(string? given) =>
        given ?? Environment.GetEnvironmentVariable("MYRMEX_CERTIFICATE")
            ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.ApplicationData), "myrmex");

    /// <summary>Command and leading arguments that start this executable again.</summary>
    public static string[] Executable
    {
        get
        {
            var process = Environment.ProcessPath ?? throw new InvalidOperationException("the process has no path");
            return Path.GetFileNameWithoutExtension(process) == "dotnet"
                ? [process, Path.Combine(AppContext.BaseDirectory, "myrmex.dll")] : [process];
        }
    }
}
