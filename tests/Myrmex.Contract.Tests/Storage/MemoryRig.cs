using System.Collections.Generic;
using Myrmex.Graph;
using Myrmex.Storage;

namespace Myrmex.Contract.Tests.Storage;

/// <summary>storage/memory.</summary>
public sealed class MemoryRig : StorageRig
{
    protected override VolfileDocument Document
    {
        get
        {
            var document = new VolfileDocument();
            document.Add("brick", "storage/memory");
            return document;
        }
    }

    protected override IReadOnlyList<TranslatorRegistration> Types => [MemoryTranslator.Registration];

    public static MemoryRig Started()
    {
        var rig = new MemoryRig();
        rig.Start();
        return rig;
    }
}
