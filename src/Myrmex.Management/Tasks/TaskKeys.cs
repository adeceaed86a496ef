namespace Myrmex.Management.Tasks;

/// <summary>Where tasks are kept in the store of the cluster.</summary>
internal static class TaskKeys
{
    /// <summary>A task: <c>task/ID</c>, <see cref="ClusterTask"/>.</summary>
    public const string Tasks = "task/";

    /// <summary>The last task of a volume: <c>volume-task/NAME</c>, its id. What keeps a second one away.</summary>
    public const string VolumeTasks = "volume-task/";

    public static string Task(string id) => Tasks + id;

    public static string VolumeTask(string volume) => VolumeTasks + volume;
}
