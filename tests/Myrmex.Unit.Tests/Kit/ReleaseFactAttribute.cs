using Xunit;

namespace Myrmex.Unit.Tests.Kit;

/// <summary>
/// A test that counts allocations: only optimised code is measured, because the compiler makes async state machines classes in a
/// debug build.
/// </summary>
internal sealed class ReleaseFactAttribute : FactAttribute
{
    public ReleaseFactAttribute()
    {
#if DEBUG
        Skip = "measured in release builds only";
#endif
    }
}
