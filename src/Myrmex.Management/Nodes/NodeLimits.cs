namespace Myrmex.Management.Nodes;

/// <summary>The maxima and times of nodes.</summary>
internal static class NodeLimits
{
    public const int ManagementPortDefault = 24007;

    public const int NodePortDefault = 24008;

    /// <summary>After which a daemon that is not heard of is taken for gone.</summary>
    public const long LeaseSeconds = 10;
}
