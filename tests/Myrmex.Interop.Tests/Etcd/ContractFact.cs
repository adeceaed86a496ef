using System;
using Myrmex.Interop.Tests.Kit;
using Xunit;

namespace Myrmex.Unit.Tests.Coordination;

/// <summary>A test of the contract of state stores, run here against a real etcd; skipped where there is none.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class ContractFactAttribute : FactAttribute
{
    public ContractFactAttribute()
    {
        Skip = Machine.Missing(Need.Etcd | Need.OpenSsl);
    }
}

/// <inheritdoc cref="ContractFactAttribute"/>
[AttributeUsage(AttributeTargets.Method)]
public sealed class ContractTheoryAttribute : TheoryAttribute
{
    public ContractTheoryAttribute()
    {
        Skip = Machine.Missing(Need.Etcd | Need.OpenSsl);
    }
}
