namespace Myrmex.Base;

/// <summary>The version of this build, which all rooms share: Version in Directory.Build.props.</summary>
public static class BuildVersion
{
    public static string Text { get; } = typeof(BuildVersion).Assembly.GetName().Version?.ToString(3) ?? "0";
}
