using System;
using Xunit;

namespace Myrmex.Interop.Tests.Kit;

/// <summary>A test that is skipped, with the reason, where the machine lacks what it needs.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class InteropFactAttribute : FactAttribute
{
    public InteropFactAttribute(Need need)
    {
        Skip = Machine.Missing(need);
    }
}

/// <inheritdoc cref="InteropFactAttribute"/>
[AttributeUsage(AttributeTargets.Method)]
public sealed class InteropTheoryAttribute : TheoryAttribute
{
    public InteropTheoryAttribute(Need need)
    {
        Skip = Machine.Missing(need);
    }
}
