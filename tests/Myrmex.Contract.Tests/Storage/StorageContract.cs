using System;
using Xunit;

[assembly: CollectionBehavior(DisableTestParallelization = false, MaxParallelThreads = 2)]

namespace Myrmex.Contract.Tests.Storage;

/// <summary>
/// What every store at the bottom of a graph does. One class per store runs it; what a store cannot do is said by the flags.
/// </summary>
[Trait("Tier", "contract")]
public abstract partial class StorageContract : IDisposable
{
    private StorageRig? _rig;

    protected StorageRig Rig => _rig ??= NewRig();

    public void Dispose()
    {
        _rig?.Dispose();
        GC.SuppressFinalize(this);
    }

    protected abstract StorageRig NewRig();
}

/// <summary>The contract on storage/posix.</summary>
public sealed class PosixContractTests : StorageContract
{
    protected override StorageRig NewRig() => PosixRig.Started();
}

/// <summary>The contract on storage/memory.</summary>
public sealed class MemoryContractTests : StorageContract
{
    protected override StorageRig NewRig() => MemoryRig.Started();
}
