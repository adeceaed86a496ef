using System;
using System.IO;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Myrmex.Management.Tasks;

/// <summary>
/// How far the process of a task is, as it writes it to its status file: the whole file, by a rename, at most once a
/// second and at its end. Numbers count from the start of this process.
/// </summary>
public sealed record TaskProgress
{
    /// <summary>Identity of the task, as given on the command line.</summary>
    public string Task { get; init => field = value ?? string.Empty; } = string.Empty;

    public int Pid { get; init; }

    /// <summary>Running, stopped, completed or failed, in the numbers of the task's kind.</summary>
    public ClusterTaskState State { get; init; }

    /// <summary>Directories whose layout is right now.</summary>
    public long Directories { get; init; }

    /// <summary>Directories found and not yet visited.</summary>
    public long DirectoriesWaiting { get; init; }

    /// <summary>Files seen (GlusterFS: scanned).</summary>
    public long Files { get; init; }

    /// <summary>Directories that could not be listed or fixed.</summary>
    public long Failures { get; init; }

    /// <summary>When the process began; milliseconds since 1970, by the clock of its node.</summary>
    public long StartedUnixMs { get; init; }

    /// <summary>When this was written; milliseconds since 1970.</summary>
    public long UpdatedUnixMs { get; init; }

    /// <summary>Why it failed, for people; empty when it has not.</summary>
    public string Error { get; init => field = value ?? string.Empty; } = string.Empty;

    [JsonIgnore]
    public bool IsFinal => State is not (ClusterTaskState.FixLayoutRunning or ClusterTaskState.Running
        or ClusterTaskState.NotStarted);

    /// <summary>
    /// Replaces the file; a reader sees the former or the new content, also after a crash. Throws
    /// <see cref="IOException"/>.
    /// </summary>
    public void Write(string path)
    {
        var next = path + ".new";
        using (var file = new FileStream(next, FileMode.Create, FileAccess.Write))
        {
            file.Write(JsonSerializer.SerializeToUtf8Bytes(this, TaskProgressJson.Default.TaskProgress));
            file.Flush(flushToDisk: true);
        }

        File.Move(next, path, overwrite: true);
    }

    /// <summary>What was written last; null when there is nothing that can be read.</summary>
    public static TaskProgress? Read(string path)
    {
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllBytes(path), TaskProgressJson.Default.TaskProgress);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            return null;
        }
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(TaskProgress))]
internal sealed partial class TaskProgressJson : JsonSerializerContext;
