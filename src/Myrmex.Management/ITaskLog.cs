using System.Collections.Generic;
using Myrmex.Management.Http;

namespace Myrmex.Management;

/// <summary>The long work of the cluster: what runs, and what has ended and is still kept.</summary>
internal interface ITaskLog
{
    /// <summary>The newest first.</summary>
    IReadOnlyList<TaskMessage> Tasks { get; }
}
