using System.Collections.Generic;
using System.Linq;
using System.Text;

namespace Myrmex.Tools;

internal static class GraphFiles
{
    public static string Translator(List<Fop> fops)
    {
        var text = new StringBuilder(BaseFiles.Header + "using System.Threading.Tasks;\nusing Myrmex.Base;\n\n"
            + "namespace Myrmex.Graph;\n\npublic abstract partial class Translator\n{\n");
        text.AppendJoin("\n", fops.Select(f =>
            $"    public override ValueTask<{f.Name}Reply> {f.Name}(in {f.Name}Fop fop, Call call) => Next.{f.Name}(in fop, call);\n"));
        return text.Append("}\n").ToString();
    }

    public static string Uniform(List<Fop> fops)
    {
        var text = new StringBuilder(BaseFiles.Header + "using System.Threading.Tasks;\nusing Myrmex.Base;\n\n"
            + "namespace Myrmex.Graph;\n\npublic abstract partial class Uniform<TPolicy>\n{\n");
        text.AppendJoin("\n", fops.Select(f =>
            $"    public sealed override ValueTask<{f.Name}Reply> {f.Name}(in {f.Name}Fop fop, Call call) =>\n"
            + $"        Policy.Handle<{f.Name}Fop, {f.Name}Reply>(_below, in fop, call);\n"));
        return text.Append("}\n").ToString();
    }

    public static string Leaf(List<Fop> fops)
    {
        var text = new StringBuilder(BaseFiles.Header + "using System.Threading.Tasks;\nusing Myrmex.Base;\n\n"
            + "namespace Myrmex.Graph;\n\npublic abstract partial class LeafTranslator\n{\n");
        text.AppendJoin("\n", fops.Select(f =>
            $"    public override ValueTask<{f.Name}Reply> {f.Name}(in {f.Name}Fop fop, Call call) =>\n"
            + $"        new({f.Name}Reply.Fail(Errno.EOPNOTSUPP));\n"));
        return text.Append("}\n").ToString();
    }

    public static string Client(List<Fop> fops)
    {
        var text = new StringBuilder(BaseFiles.Header + "using System.Threading.Tasks;\nusing Myrmex.Base;\nusing Myrmex.Wire;\n\n"
            + "namespace Myrmex.Protocol;\n\npublic sealed partial class ClientTranslator\n{\n");
        text.AppendJoin("\n", fops.Where(f => f.Name is not ("Open" or "Opendir" or "Create" or "Release" or "Releasedir" or "Lk" or "Flush" or "Readdirp")).Select(f =>
            $"    public override ValueTask<{f.Name}Reply> {f.Name}(in {f.Name}Fop fop, Call call) =>\n"
            + $"        Send<{f.Name}Fop, {f.Name}Reply, {f.Name}Codec>(in fop, call);\n"));
        return text.Append("}\n").ToString();
    }

    public static string Server(List<Fop> fops)
    {
        var text = new StringBuilder(BaseFiles.Header + "using Myrmex.Base;\nusing Myrmex.Wire;\n\n"
            + "namespace Myrmex.Protocol;\n\ninternal sealed partial class ServerRequest\n{\n"
            + "    private void Dispatch(FopCode code)\n    {\n        switch (code)\n        {\n");
        foreach (var fop in fops)
        {
            text.Append($"            case FopCode.{fop.Name}:\n                Run<{fop.Name}Fop, {fop.Name}Reply, {fop.Name}Codec>();\n                break;\n");
        }

        return text.Append("            default:\n                RejectProcedure();\n                break;\n        }\n    }\n}\n").ToString();
    }
}
