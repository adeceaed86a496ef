using System;
using Xunit;

namespace Myrmex.Unit.Tests.Management;

/// <summary>Trusted attributes can only be set by root; for others the test is skipped.</summary>
internal static class Root
{
    public static string? SkipReason => Environment.UserName == "root" ? null : "needs root, for trusted attributes";
}

public sealed class RootFactAttribute : FactAttribute
{
    public RootFactAttribute() => Skip = Root.SkipReason;
}

public sealed class RootTheoryAttribute : TheoryAttribute
{
    public RootTheoryAttribute() => Skip = Root.SkipReason;
}
