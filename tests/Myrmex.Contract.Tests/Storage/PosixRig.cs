using System;
using System.Collections.Generic;
using System.IO;
using Myrmex.Graph;
using Myrmex.Storage;

namespace Myrmex.Contract.Tests.Storage;

/// <summary>storage/posix on a directory of its own. Needs root, as every brick does.</summary>
public sealed class PosixRig : StorageRig
{
    private readonly DirectoryInfo _directory;
    private readonly Dictionary<string, string> _options;

    public PosixRig(Dictionary<string, string>? options = null, string? below = null)
    {
        _directory = below is null
            ? System.IO.Directory.CreateTempSubdirectory("myrmex-brick-")
            : System.IO.Directory.CreateDirectory(Path.Combine(below, "brick-" + NewGfid()));
        _options = options ?? [];
    }

    public override string Directory => _directory.FullName;

    protected override VolfileDocument Document
    {
        get
        {
            var document = new VolfileDocument();
            var block = document.Add("brick", "storage/posix");
            block.Options.Add(new("directory", Directory));
            foreach (var option in _options)
            {
                block.Options.Add(option);
            }

            return document;
        }
    }

    protected override IReadOnlyList<TranslatorRegistration> Types => [PosixTranslator.Registration];

    public static PosixRig Started(Dictionary<string, string>? options = null, string? below = null)
    {
        var rig = new PosixRig(options, below);
        try
        {
            rig.Start();
            return rig;
        }
        catch (GraphException) when (!Environment.IsPrivilegedProcess)
        {
            rig.Dispose();
            throw new InvalidOperationException("$XunitDynamicSkip$a brick needs root");
        }
    }

    public override void Dispose()
    {
        base.Dispose();
        _directory.Delete(recursive: true);
    }
}
