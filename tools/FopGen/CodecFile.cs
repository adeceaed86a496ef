using System.Collections.Generic;
using System.Linq;
using System.Text;

namespace Myrmex.Tools;

internal static class CodecFile
{
    public static string Write(List<Fop> fops)
    {
        var text = new StringBuilder(BaseFiles.Header + "using Myrmex.Base;\n\nnamespace Myrmex.Wire;\n");
        foreach (var fop in fops)
        {
            WriteCodec(text, fop);
        }

        return text.ToString();
    }

    private static void WriteCodec(StringBuilder text, Fop fop)
    {
        var value = fop.Name + "Fop";
        var reply = fop.Name + "Reply";
        text.Append($"\n/// <summary>XDR of {fop.Name.ToUpperInvariant()}.</summary>\n"
            + $"public readonly struct {fop.Name}Codec : IFopCodec<{value}, {reply}>\n{{\n"
            + $"    public static int RequestSizeMax(in {value} fop) =>\n        {SizeOf(fop.Request, "fop.")};\n\n"
            + $"    public static int ReplySizeMax({reply} reply) =>\n        8 + {SizeOf(fop.Reply, "reply.")};\n\n");
        WriteRequestEncoder(text, fop, value);
        WriteRequestDecoder(text, fop, value);
        WriteReplyEncoder(text, fop, reply);
        WriteReplyDecoder(text, fop, reply);
        var payload = fop.Request.FirstOrDefault(f => f.Type == "payload");
        text.Append($"    public static Payload RequestPayload(in {value} fop) => {(payload is null ? "default" : "fop." + payload.Name)};\n\n");
        payload = fop.Reply.FirstOrDefault(f => f.Type == "payload");
        text.Append($"    public static Payload ReplyPayload({reply} reply) => {(payload is null ? "default" : "reply." + payload.Name)};\n\n");
        text.Append($"    public static void ReleaseRequest(in {value} fop)\n    {{\n");
        foreach (var field in fop.Request.Where(f => f.Type == "dict"))
        {
            text.Append($"        fop.{field.Name}?.Release();\n");
        }

        text.Append("    }\n\n");
        WriteNameCheck(text, fop, value);
        text.Append($"    public static long FdNumberOf({reply} reply) => {(fop.Reply.Any(f => f.Type == "fdnum") ? "reply.FdNumber" : "-1")};\n}}\n");
    }

    private static void WriteRequestEncoder(StringBuilder text, Fop fop, string value)
    {
        text.Append($"    public static void EncodeRequest(ref XdrWriter writer, in {value} fop, long fd, long secondFd)\n    {{\n");
        var fdIndex = 0;
        foreach (var field in fop.Request.Where(f => f.OnWire))
        {
            var what = field.Type switch
            {
                "fd" => fdIndex++ == 0 ? "fd" : "secondFd",
                "len" => "(uint)fop.Data.Length",
                _ => "fop." + field.Name,
            };
            text.Append($"        {Put(field, what)};\n");
        }

        text.Append("    }\n\n");
    }

    private static void WriteRequestDecoder(StringBuilder text, Fop fop, string value)
    {
        text.Append($"    public static bool TryDecodeRequest(ref XdrReader reader, IFdSource fds, out {value} fop)\n    {{\n");
        foreach (var field in fop.Request.Where(f => f.OnWire))
        {
            text.Append($"        var {field.Local} = {Get(field)};\n");
        }

        var gfid = fop.Request.FirstOrDefault(f => f.Type == "gfid");
        foreach (var field in fop.Request)
        {
            if (field.Type == "payload")
            {
                text.Append($"        var {field.Local} = reader.ReadRest(_size);\n");
            }
            else if (field.Type == "newfd")
            {
                var owner = gfid!.Name == "Parent" ? "Gfid.Null" : gfid.Local;
                var flags = fop.Request.Any(f => f.Name == "Flags") ? "_flags" : "OpenFlags.Directory";
                text.Append($"        var {field.Local} = reader.Failed ? null! : fds.New({owner}, {flags}, {(fop.Name == "Opendir" ? "true" : "false")});\n");
            }
        }

        var fdGfids = fop.Request.Where(f => f.Type == "gfid").Select(f => f.Local).ToList();
        var index = 0;
        foreach (var field in fop.Fds)
        {
            text.Append($"        var {field.Local}Object = reader.Failed ? null! : fds.Resolve({field.Local}, {fdGfids[index]}, {index})!;\n");
            index++;
        }

        text.Append($"        fop = new {value}\n        {{\n");
        foreach (var field in fop.Members)
        {
            var local = field.Type == "fd" ? field.Local + "Object" : field.Local;
            text.Append($"            {field.Name} = {local},\n");
        }

        text.Append("        };\n        return !reader.Failed;\n    }\n\n");
    }

    private static void WriteNameCheck(StringBuilder text, Fop fop, string value)
    {
        var names = fop.Traits.Contains("entry")
            ? fop.Request.Where(f => f.Type == "name" && f.Name.EndsWith("Name")).Select(f => f.Name).ToList()
            : [];
        var check = fop.Name == "Lookup" ? "CheckLookup" : "Check";
        var first = names.Count > 0 ? $"EntryNames.{check}(fop.{names[0]})" : "Errno.Ok";
        text.Append($"    public static Errno CheckNames(in {value} fop) => "
            + (names.Count < 2 ? $"{first};\n\n" : $"{first} is not Errno.Ok and var bad ? bad : EntryNames.{check}(fop.{names[1]});\n\n"));
    }

    private static void WriteReplyEncoder(StringBuilder text, Fop fop, string reply)
    {
        text.Append($"    public static void EncodeReply(ref XdrWriter writer, {reply} reply)\n    {{\n"
            + "        writer.WriteResult(reply);\n");
        foreach (var field in fop.Reply.Where(f => f.OnWire))
        {
            text.Append($"        {Put(field, field.Type == "len" ? "(uint)reply.Data.Length" : "reply." + field.Name)};\n");
        }

        text.Append("    }\n\n");
    }

    private static void WriteReplyDecoder(StringBuilder text, Fop fop, string reply)
    {
        text.Append($"    public static bool TryDecodeReply(ref XdrReader reader, {reply} reply)\n    {{\n"
            + "        reader.ReadResult(reply);\n");
        foreach (var field in fop.Reply)
        {
            text.Append(field.Type switch
            {
                "len" => $"        var {field.Local} = reader.ReadUInt();\n",
                "payload" => $"        reply.{field.Name} = reader.ReadReplyPayload(reply, _size);\n",
                "dirlist" => $"        reader.ReadDirList(reply.{field.Name});\n",
                "dirplist" => $"        reader.ReadDirPlusList(reply.{field.Name});\n",
                "name" => $"        reply.{field.Name} = reader.ReadName().ToOwned();\n",
                _ => $"        reply.{field.Name} = {Get(field, isAnswer: true)};\n",
            });
        }

        text.Append("        return !reader.Failed;\n    }\n\n");
    }

    private static string SizeOf(List<Field> fields, string prefix)
    {
        var constant = 0;
        var terms = new List<string>();
        foreach (var field in fields)
        {
            switch (field.Type)
            {
                case "gfid": constant += 16; break;
                case "i32" or "u32" or "len": constant += 4; break;
                case "fd" or "i64" or "u64" or "off" or "fdnum": constant += 8; break;
                case "iatt": constant += 148; break;
                case "lease": constant += 28; break;
                case "statfs": constant += 88; break;
                case "newfd" or "payload": break;
                default: terms.Add($"XdrWriter.SizeOf({prefix}{field.Name}{(field.Type == "dirplist" ? ", plus: true" : field.Type == "dirlist" ? ", plus: false" : "")})"); break;
            }
        }

        return string.Join(" + ", terms.Prepend(constant.ToString()));
    }

    private static string Put(Field field, string what) => field.Type switch
    {
        "gfid" => $"writer.WriteGfid({what})",
        "i32" => field.Enum is null ? $"writer.WriteInt({what})" : $"writer.WriteInt((int){what})",
        "u32" or "len" => field.Enum is null ? $"writer.WriteUInt({what})" : $"writer.WriteUInt((uint){what})",
        "fd" or "i64" or "off" or "fdnum" => $"writer.WriteLong({what})",
        "u64" => $"writer.WriteULong({what})",
        "name" => $"writer.WriteName({what})",
        "dict" => $"writer.WriteXData({what})",
        "iatt" => $"writer.WriteIatt(in {what})".Replace("in fop.", "fop."),
        "flock" => $"writer.WriteFlock({what})",
        "lease" => $"writer.WriteLease({what})",
        "statfs" => $"writer.WriteStatFs({what})",
        "dirlist" => $"writer.WriteDirList({what})",
        "dirplist" => $"writer.WriteDirPlusList({what})",
        _ => $"writer.WriteLocks({what})",
    };

    /// <param name="isAnswer">Of a reply: an empty dictionary of values is an answer.</param>
    private static string Get(Field field, bool isAnswer = false) => (field.Enum is null ? "" : $"({field.Enum})") + field.Type switch
    {
        "gfid" => "reader.ReadGfid()",
        "i32" => "reader.ReadInt()",
        "u32" or "len" => "reader.ReadUInt()",
        "fd" or "i64" or "off" or "fdnum" => "reader.ReadLong()",
        "u64" => "reader.ReadULong()",
        "name" => "reader.ReadName()",
        "dict" => isAnswer && field.Name == "Values" ? "reader.ReadXData(keepEmpty: true)" : "reader.ReadXData()",
        "iatt" => "reader.ReadIatt()",
        "flock" => "reader.ReadFlock()",
        "lease" => "reader.ReadLease()",
        "statfs" => "reader.ReadStatFs()",
        _ => "reader.ReadLocks()",
    };
}
