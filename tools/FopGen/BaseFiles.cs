using System.Collections.Generic;
using System.Linq;
using System.Text;

namespace Myrmex.Tools;

internal static class BaseFiles
{
    public const string Header = "// Generated from src/fops.txt by tools/FopGen. Do not edit.\n#nullable enable\n";

    public static string Fops(List<Fop> fops)
    {
        var text = new StringBuilder(Header + "using System.Threading.Tasks;\n\nnamespace Myrmex.Base;\n");
        foreach (var fop in fops)
        {
            WriteValue(text, fop);
            WriteReply(text, fop);
        }

        return text.ToString();
    }

    public static string Handler(List<Fop> fops)
    {
        var text = new StringBuilder(Header + "using System.Threading.Tasks;\n\nnamespace Myrmex.Base;\n\n"
            + "/// <summary>Something that answers every fop. The reply belongs to the caller; the call is lent.</summary>\n"
            + "public abstract class FopHandler\n{\n");
        text.AppendJoin("\n", fops.Select(f =>
            $"    /// <summary>{f.Name.ToUpperInvariant()}, procedure {f.Number} of program 1298437.</summary>\n"
            + $"    public abstract ValueTask<{f.Name}Reply> {f.Name}(in {f.Name}Fop fop, Call call);\n"));
        return text.Append("}\n").ToString();
    }

    public static string Table(List<Fop> fops)
    {
        var text = new StringBuilder(Header + "namespace Myrmex.Base;\n\n"
            + "/// <summary>Procedure numbers of program 1298437 version 400.</summary>\npublic enum FopCode\n{\n    None = 0,\n");
        fops.ForEach(f => text.Append($"    {f.Name} = {f.Number},\n"));
        text.Append("}\n\npublic static partial class FopTable\n{\n    /// <summary>One more than the highest procedure number.</summary>\n"
            + $"    public const int CodeLimit = {fops.Max(f => f.Number) + 1};\n\n"
            + "    private static readonly FopTraits[] TraitsByCode = MakeTraits();\n\n"
            + "    private static FopTraits[] MakeTraits()\n    {\n        var traits = new FopTraits[CodeLimit];\n");
        foreach (var fop in fops)
        {
            var traits = fop.Traits.Select(t => "FopTraits." + char.ToUpperInvariant(t[0]) + t[1..]).Prepend("FopTraits.Exists").ToList();
            if (fop.Fds.Any())
            {
                traits.Add("FopTraits.OnFd");
            }

            text.Append($"        traits[{fop.Number}] = {string.Join(" | ", traits)};\n");
        }

        return text.Append("        return traits;\n    }\n}\n").ToString();
    }

    private static void WriteValue(StringBuilder text, Fop fop)
    {
        text.Append($"\n/// <summary>The {fop.Name.ToUpperInvariant()} fop as a value; names, dictionaries and payload are borrowed.</summary>\n"
            + $"public readonly record struct {fop.Name}Fop : IFop<{fop.Name}Fop, {fop.Name}Reply>\n{{\n"
            + $"    public static FopCode Code => FopCode.{fop.Name};\n");
        foreach (var field in fop.Members)
        {
            text.Append($"\n    public {(field.Type is "fd" or "newfd" or "locks" ? "required " : "")}{field.Member} {field.Name} {{ get; init; }}\n");
        }

        text.Append($"\n    public static ValueTask<{fop.Name}Reply> Invoke(FopHandler handler, in {fop.Name}Fop fop, Call call) =>\n"
            + $"        handler.{fop.Name}(in fop, call);\n\n"
            + $"    public static XData? XDataOf(in {fop.Name}Fop fop) => fop.XData;\n\n"
            + $"    public static {fop.Name}Fop WithXData(in {fop.Name}Fop fop, XData? xdata) => fop with {{ XData = xdata }};\n\n"
            + $"    public static Fd? FdOf(in {fop.Name}Fop fop) => {FdAt(fop, 0)};\n\n"
            + $"    public static Fd? SecondFdOf(in {fop.Name}Fop fop) => {FdAt(fop, 1)};\n}}\n");
    }

    private static string FdAt(Fop fop, int index) =>
        fop.Fds.ElementAtOrDefault(index) is { } field ? "fop." + field.Name : "null";

    private static void WriteReply(StringBuilder text, Fop fop)
    {
        var type = fop.Name + "Reply";
        text.Append($"\n/// <summary>The answer to {fop.Name.ToUpperInvariant()}.</summary>\npublic sealed class {type} : Reply, IReply<{type}>\n{{\n");
        foreach (var field in fop.ReplyMembers)
        {
            var initial = field.Type is "dirlist" or "dirplist" ? " = new()" : field.Type == "locks" ? " = []" : "";
            text.Append($"    public {field.Member} {field.Name}{initial};\n\n");
        }

        text.Append($"    public static {type} Rent() => Take<{type}>();\n\n"
            + $"    public static {type} Fail(Errno error)\n    {{\n        var reply = Rent();\n        reply.Error = error;\n"
            + "        reply.OpRet = -1;\n        return reply;\n    }\n\n"
            + "    public override void Release()\n    {\n        ResetBase();\n");
        foreach (var field in fop.ReplyMembers)
        {
            text.Append(field.Type switch
            {
                "dirlist" or "dirplist" => $"        {field.Name}.Clear();\n",
                "payload" => $"        {field.Name}.Release();\n        {field.Name} = default;\n",
                "dict" => $"        {field.Name}?.Release();\n        {field.Name} = null;\n",
                "locks" => $"        {field.Name} = [];\n",
                _ => $"        {field.Name} = default;\n",
            });
        }

        text.Append($"        Pool<{type}>.Return(this);\n    }}\n\n"
            + $"    public void CopyFrom({type} other)\n    {{\n        CopyBase(other);\n");
        foreach (var field in fop.ReplyMembers)
        {
            text.Append(field.Type switch
            {
                "dirlist" or "dirplist" or "payload" or "locks" or "fdnum" => string.Empty,
                "dict" => $"        {field.Name}?.Release();\n        {field.Name} = other.{field.Name}?.Clone();\n",
                "name" => $"        {field.Name} = other.{field.Name}.ToOwned();\n",
                _ => $"        {field.Name} = other.{field.Name};\n",
            });
        }

        text.Append("    }\n}\n");
    }
}
