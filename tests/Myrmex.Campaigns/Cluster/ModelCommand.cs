using System.Net.Http;
using System.Text.Json.Nodes;

namespace Myrmex.Campaigns;

/// <summary>A command with both of its allowed outcomes.</summary>
/// <param name="Kind">For people and for the times.</param>
/// <param name="Path">REST, below /v1/.</param>
/// <param name="Before">The volume when the command is taken back; null for none.</param>
/// <param name="After">The volume when it has happened; null for none.</param>
internal sealed record ModelCommand(
    string Kind, string Volume, HttpMethod Method, string Path, JsonNode? Body, ModelVolume? Before, ModelVolume? After)
{
    /// <summary>For commands on the spare machine instead of a volume: whether it is a member afterwards; null for others.</summary>
    public bool? MemberAfter { get; init; }

    public override string ToString() => $"{Kind} {Volume}".TrimEnd();
}
