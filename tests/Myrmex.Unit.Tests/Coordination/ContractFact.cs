using System;
using Xunit;

namespace Myrmex.Unit.Tests.Coordination;

/// <summary>A test of the contract; the project that runs it with real servers has an attribute that can skip it.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class ContractFactAttribute : FactAttribute;

/// <inheritdoc cref="ContractFactAttribute"/>
[AttributeUsage(AttributeTargets.Method)]
public sealed class ContractTheoryAttribute : TheoryAttribute;
