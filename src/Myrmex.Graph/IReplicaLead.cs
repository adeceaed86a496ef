using System.Collections.Generic;
using System.Threading.Tasks;

namespace Myrmex.Graph;

/// <summary>A translator that is a member of a replica set and can hand the lead over.</summary>
public interface IReplicaLead
{
    /// <summary>
    /// Hands the lead over, if this member leads; operations wait meanwhile. Any thread; ends in a few seconds.
    /// </summary>
    /// <param name="target">Number of the member that is to lead; null for the one that should.</param>
    /// <returns>
    /// Null when this member leads no more, or has not led and nobody was named; else why it was not done.
    /// </returns>
    Task<string?> MoveLeadAsync(int? target);
}

/// <summary>Something that has happened in a translator and administrators should hear of.</summary>
/// <param name="Type">One of <see cref="ReplicaNewsTypes"/>.</param>
/// <param name="Volume">Name of the volume.</param>
/// <param name="Node">Id of the node where it happened, in text; empty when that is not known.</param>
/// <param name="Data">More of it, by name.</param>
public sealed record AdministratorNews(
    string Type, string Volume, string Node, IReadOnlyDictionary<string, string> Data);
