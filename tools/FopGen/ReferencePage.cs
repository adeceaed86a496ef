using System.Collections.Generic;
using System.Linq;
using System.Text;

namespace Myrmex.Tools;

internal static class ReferencePage
{
    public static string Write(List<Fop> fops)
    {
        var text = new StringBuilder("# Fops\n\nProgram 1298437, version 400. Generated from `src/fops.txt`; fields are in wire order. Every reply starts with\n"
            + "`op_ret` and `op_errno`; its fields are there on errors too, as zeros. `fd` is an i64 number, `len` the u32 length of the\n"
            + "payload, `newfd` is not on the wire, the payload follows the body unpadded.\n\n"
            + "| # | fop | traits | request | reply |\n|---|---|---|---|---|\n");
        foreach (var fop in fops)
        {
            text.Append($"| {fop.Number} | {fop.Name} | {string.Join(", ", fop.Traits)} | {List(fop.Request)} | {List(fop.Reply)} |\n");
        }

        return text.ToString();
    }

    private static string List(IEnumerable<Field> fields) => string.Join(", ", fields.Select(f => $"{f.Name} `{f.Type}`"));
}
