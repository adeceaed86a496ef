using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text;
using Myrmex.Tools;

// Usage: FopGen ROOT [--check]   with --check nothing is written; exit code 1 tells that a file is not current.
var root = args[0];
var check = args.Contains("--check");
var fops = FopDescription.Load(Path.Combine(root, "src/fops.txt"));
var files = new Dictionary<string, string>
{
    ["src/Myrmex.Base/Fops/Fops.g.cs"] = BaseFiles.Fops(fops),
    ["src/Myrmex.Base/Fops/FopHandler.g.cs"] = BaseFiles.Handler(fops),
    ["src/Myrmex.Base/Fops/FopTable.g.cs"] = BaseFiles.Table(fops),
    ["src/Myrmex.Wire/FopCodecs.g.cs"] = CodecFile.Write(fops),
    ["src/Myrmex.Graph/Translator.g.cs"] = GraphFiles.Translator(fops),
    ["src/Myrmex.Graph/LeafTranslator.g.cs"] = GraphFiles.Leaf(fops),
    ["src/Myrmex.Graph/Uniform.g.cs"] = GraphFiles.Uniform(fops),
    ["src/Translators/Myrmex.Protocol/Client/ClientFops.g.cs"] = GraphFiles.Client(fops),
    ["src/Translators/Myrmex.Protocol/Server/ServerDispatch.g.cs"] = GraphFiles.Server(fops),
    ["docs/reference/fops.md"] = ReferencePage.Write(fops),
};
var stale = 0;
foreach (var (name, text) in files)
{
    var path = Path.Combine(root, name);
    if (File.Exists(path) && File.ReadAllText(path) == text)
    {
        continue;
    }

    stale++;
    Console.WriteLine((check ? "not current: " : "written: ") + name);
    if (!check)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text, new UTF8Encoding(false));
    }
}

return check && stale > 0 ? 1 : 0;
