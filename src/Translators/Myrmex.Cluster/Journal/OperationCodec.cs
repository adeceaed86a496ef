using System;
using System.Collections.Generic;
using Myrmex.Base;
using Myrmex.Replication;

namespace Myrmex.Cluster.Journal;

/// <summary>
/// <see cref="JournalOperation"/> as the bytes of a meta part. Layout, version 1: u8 version, varint fop, varint mask
/// of the fields that are there, then these in the order of their bits, each as <see cref="MetaWriter"/> writes it. A
/// field with its default is left out; an unknown bit is damage, so that a new field needs a new version and no old
/// reader skips an effect.
/// </summary>
internal static class OperationCodec
{
    public const byte Version = 1;

    /// <summary>The same with a note; written only when there is one.</summary>
    public const byte VersionWithNote = 2;

    [Flags]
    private enum Fields : ulong
    {
        Gfid = 1 << 0,
        Name = 1 << 1,
        NewName = 1 << 2,
        Displaced = 1 << 3,
        Ancestors = 1 << 4,
        Mode = 1 << 5,
        Owner = 1 << 6,
        Device = 1 << 7,
        Target = 1 << 8,
        Valid = 1 << 9,
        Flags = 1 << 10,
        Range = 1 << 11,
        Size = 1 << 12,
        Stamp = 1 << 13,
        Times = 1 << 14,
        ParentTimes = 1 << 15,
        NewParentTimes = 1 << 16,
        Xattrs = 1 << 17,
        Error = 1 << 18,
        OpRet = 1 << 19,
        Iatts = 1 << 20,
        Values = 1 << 21,
        Note = 1 << 22,
        All = (1 << 22) - 1,
    }

    /// <summary>The bytes of an operation. The caller sees to <see cref="JournalEntry.MetaMax"/>.</summary>
    public static byte[] Encode(JournalOperation operation)
    {
        var writer = MetaWriter.Begin();
        var fields = FieldsOf(operation);
        writer.Byte(operation.Note is null ? Version : VersionWithNote);
        writer.Unsigned((ulong)operation.Fop);
        writer.Unsigned((ulong)fields);
        WriteNames(writer, operation, fields);
        WriteValues(writer, operation, fields);
        WriteTimes(writer, operation, fields);
        WriteOutcome(writer, operation.Outcome, operation.Xattrs, fields);
        if (operation.Note is { } note)
        {
            writer.Bytes(note);
        }

        return writer.ToArray();
    }

    /// <summary>The fop of an operation, from what <see cref="Encode"/> has made.</summary>
    public static FopCode FopOf(ReadOnlySpan<byte> bytes)
    {
        var reader = new MetaReader(bytes);
        _ = reader.Byte();
        return (FopCode)reader.Unsigned();
    }

    /// <summary>False for bytes that are no operation of a known version.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> bytes, out JournalOperation operation)
    {
        operation = new JournalOperation();
        if (bytes.Length > JournalEntry.MetaMax)
        {
            return false;
        }

        var reader = new MetaReader(bytes);
        var version = reader.Byte();
        if (version is not (Version or VersionWithNote))
        {
            return false;
        }

        var known = version == Version ? Fields.All : Fields.All | Fields.Note;

        var fop = reader.Unsigned();
        var fields = (Fields)reader.Unsigned();
        if (fop > int.MaxValue || !FopTable.Has((FopCode)fop, FopTraits.Mutates) || (fields & ~known) != 0
            || (version == VersionWithNote) != ((fields & Fields.Note) != 0))
        {
            return false;
        }

        operation.Fop = (FopCode)fop;
        ReadNames(ref reader, operation, fields);
        ReadValues(ref reader, operation, fields);
        ReadTimes(ref reader, operation, fields);
        ReadOutcome(ref reader, operation, fields);
        if ((fields & Fields.Note) != 0)
        {
            operation.Note = reader.Name(ChangeRecord.NoteBytesMax).Span.ToArray();
        }

        return !reader.Failed && reader.IsAtEnd;
    }

    private static Fields FieldsOf(JournalOperation o)
    {
        static Fields If(bool isThere, Fields field) => isThere ? field : 0;
        return If(!o.Gfid.IsNull, Fields.Gfid)
            | If(!o.Parent.IsNull || !o.Name.IsEmpty, Fields.Name)
            | If(!o.NewParent.IsNull || !o.NewName.IsEmpty, Fields.NewName)
            | If(!o.Displaced.IsNull, Fields.Displaced)
            | If(o.Ancestors.Count > 0, Fields.Ancestors)
            | If(o.Mode != 0, Fields.Mode)
            | If(o.Uid != 0 || o.GroupId != 0, Fields.Owner)
            | If(o.Device != 0, Fields.Device)
            | If(!o.Target.IsEmpty, Fields.Target)
            | If(o.Valid != SetattrValid.None, Fields.Valid)
            | If(o.Flags != 0, Fields.Flags)
            | If(o.Offset != 0 || o.Length != 0, Fields.Range)
            | If(o.Size != JournalOperation.SameSize, Fields.Size)
            | If(o.Touches != TimeFlags.None || o.StampSeconds != 0 || o.StampNanoseconds != 0, Fields.Stamp)
            | If(o.Times is not null, Fields.Times)
            | If(o.ParentTimes is not null, Fields.ParentTimes)
            | If(o.NewParentTimes is not null, Fields.NewParentTimes)
            | If(o.Xattrs.Count > 0, Fields.Xattrs)
            | If(o.Outcome.Error != Errno.Ok, Fields.Error)
            | If(o.Outcome.OpRet != 0, Fields.OpRet)
            | If(o.Outcome.Iatts.Length > 0, Fields.Iatts)
            | If(o.Outcome.Values.Count > 0, Fields.Values)
            | If(o.Note is not null, Fields.Note);
    }

    private static void WriteNames(MetaWriter writer, JournalOperation operation, Fields fields)
    {
        if ((fields & Fields.Gfid) != 0)
        {
            writer.Gfid(operation.Gfid);
        }

        if ((fields & Fields.Name) != 0)
        {
            writer.Gfid(operation.Parent);
            writer.Bytes(operation.Name.Span);
        }

        if ((fields & Fields.NewName) != 0)
        {
            writer.Gfid(operation.NewParent);
            writer.Bytes(operation.NewName.Span);
        }

        if ((fields & Fields.Displaced) != 0)
        {
            writer.Gfid(operation.Displaced);
        }

        if ((fields & Fields.Ancestors) != 0)
        {
            writer.Unsigned((ulong)operation.Ancestors.Count);
            foreach (var gfid in operation.Ancestors)
            {
                writer.Gfid(gfid);
            }
        }
    }

    private static void ReadNames(ref MetaReader reader, JournalOperation operation, Fields fields)
    {
        operation.Gfid = (fields & Fields.Gfid) != 0 ? reader.Gfid() : default;
        if ((fields & Fields.Name) != 0)
        {
            operation.Parent = reader.Gfid();
            operation.Name = reader.Name(Name.LengthMax);
        }

        if ((fields & Fields.NewName) != 0)
        {
            operation.NewParent = reader.Gfid();
            operation.NewName = reader.Name(Name.LengthMax);
        }

        operation.Displaced = (fields & Fields.Displaced) != 0 ? reader.Gfid() : default;
        if ((fields & Fields.Ancestors) != 0)
        {
            var ancestors = new Gfid[reader.Count(JournalLimits.DepthMax)];
            for (var i = 0; i < ancestors.Length && !reader.Failed; i++)
            {
                ancestors[i] = reader.Gfid();
            }

            operation.Ancestors = ancestors;
        }
    }

    private static void WriteValues(MetaWriter writer, JournalOperation operation, Fields fields)
    {
        if ((fields & Fields.Mode) != 0)
        {
            writer.Unsigned(operation.Mode);
        }

        if ((fields & Fields.Owner) != 0)
        {
            writer.Unsigned(operation.Uid);
            writer.Unsigned(operation.GroupId);
        }

        if ((fields & Fields.Device) != 0)
        {
            writer.Unsigned(operation.Device);
        }

        if ((fields & Fields.Target) != 0)
        {
            writer.Bytes(operation.Target.Span);
        }

        if ((fields & Fields.Valid) != 0)
        {
            writer.Unsigned((ulong)operation.Valid);
        }

        if ((fields & Fields.Flags) != 0)
        {
            writer.Unsigned(operation.Flags);
        }

        if ((fields & Fields.Range) != 0)
        {
            writer.Unsigned((ulong)operation.Offset);
            writer.Unsigned((ulong)operation.Length);
        }

        if ((fields & Fields.Size) != 0)
        {
            writer.Unsigned((ulong)operation.Size);
        }
    }

    private static void ReadValues(ref MetaReader reader, JournalOperation operation, Fields fields)
    {
        operation.Mode = (fields & Fields.Mode) != 0 ? reader.Word() : 0;
        if ((fields & Fields.Owner) != 0)
        {
            operation.Uid = reader.Word();
            operation.GroupId = reader.Word();
        }

        operation.Device = (fields & Fields.Device) != 0 ? reader.Unsigned() : 0;
        operation.Target = (fields & Fields.Target) != 0 ? reader.Name(JournalLimits.TargetMax) : default;
        operation.Valid = (fields & Fields.Valid) != 0 ? (SetattrValid)reader.Word() : SetattrValid.None;
        operation.Flags = (fields & Fields.Flags) != 0 ? reader.Word() : 0;
        if ((fields & Fields.Range) != 0)
        {
            operation.Offset = reader.Position();
            operation.Length = reader.Position();
            if (operation.Length > long.MaxValue - operation.Offset)
            {
                reader.Fail();
            }
        }

        operation.Size = (fields & Fields.Size) != 0 ? reader.Position() : JournalOperation.SameSize;
    }

    private static void WriteTimes(MetaWriter writer, JournalOperation operation, Fields fields)
    {
        if ((fields & Fields.Stamp) != 0)
        {
            writer.Unsigned((ulong)operation.Touches);
            writer.Signed(operation.StampSeconds);
            writer.Unsigned(operation.StampNanoseconds);
        }

        ReadOnlySpan<InodeTimes?> all = [operation.Times, operation.ParentTimes, operation.NewParentTimes];
        foreach (var times in all)
        {
            if (times is { } there)
            {
                writer.Times(in there);
            }
        }
    }

    private static void ReadTimes(ref MetaReader reader, JournalOperation operation, Fields fields)
    {
        if ((fields & Fields.Stamp) != 0)
        {
            operation.Touches = (TimeFlags)reader.Word();
            operation.StampSeconds = reader.Signed();
            operation.StampNanoseconds = reader.Nanoseconds();
        }

        operation.Times = (fields & Fields.Times) != 0 ? reader.Times() : null;
        operation.ParentTimes = (fields & Fields.ParentTimes) != 0 ? reader.Times() : null;
        operation.NewParentTimes = (fields & Fields.NewParentTimes) != 0 ? reader.Times() : null;
    }

    private static void WriteOutcome(
        MetaWriter writer, RecordedOutcome outcome, IReadOnlyList<XattrValue> xattrs, Fields fields)
    {
        if ((fields & Fields.Xattrs) != 0)
        {
            WriteXattrs(writer, xattrs);
        }

        if ((fields & Fields.Error) != 0)
        {
            writer.Unsigned((ulong)outcome.Error);
        }

        if ((fields & Fields.OpRet) != 0)
        {
            writer.Signed(outcome.OpRet);
        }

        if ((fields & Fields.Iatts) != 0)
        {
            writer.Unsigned((ulong)outcome.Iatts.Length);
            foreach (ref readonly var iatt in outcome.Iatts.AsSpan())
            {
                writer.Iatt(in iatt);
            }
        }

        if ((fields & Fields.Values) != 0)
        {
            WriteXattrs(writer, outcome.Values);
        }
    }

    private static void ReadOutcome(ref MetaReader reader, JournalOperation operation, Fields fields)
    {
        operation.Xattrs = (fields & Fields.Xattrs) != 0 ? ReadXattrs(ref reader) : [];
        var outcome = operation.Outcome;
        outcome.Error = (fields & Fields.Error) != 0 ? (Errno)(int)Math.Min(reader.Word(), int.MaxValue) : Errno.Ok;
        outcome.OpRet = (fields & Fields.OpRet) != 0 ? (int)Math.Clamp(reader.Signed(), int.MinValue, int.MaxValue) : 0;
        if ((fields & Fields.Iatts) != 0)
        {
            outcome.Iatts = new Iatt[reader.Count(RecordedOutcome.IattsMax)];
            for (var i = 0; i < outcome.Iatts.Length && !reader.Failed; i++)
            {
                outcome.Iatts[i] = reader.Iatt();
            }
        }

        outcome.Values = (fields & Fields.Values) != 0 ? ReadXattrs(ref reader) : [];
    }

    private static void WriteXattrs(MetaWriter writer, IReadOnlyList<XattrValue> xattrs)
    {
        writer.Unsigned((ulong)xattrs.Count);
        foreach (var (name, value) in xattrs)
        {
            writer.Bytes(name.Span);
            writer.Byte(value is null ? (byte)0 : (byte)1);
            if (value is not null)
            {
                writer.Bytes(value);
            }
        }
    }

    private static List<XattrValue> ReadXattrs(ref MetaReader reader)
    {
        var count = reader.Count(JournalLimits.XattrsMax);
        var xattrs = new List<XattrValue>();
        for (var i = 0; i < count && !reader.Failed; i++)
        {
            var name = reader.Name(XattrRules.NameMax);
            xattrs.Add(new XattrValue(name, reader.Byte() switch
            {
                0 => null,
                1 => reader.Bytes(XattrRules.ValueMax),
                _ => FailedValue(ref reader),
            }));
        }

        return xattrs;
    }

    private static byte[]? FailedValue(ref MetaReader reader)
    {
        reader.Fail();
        return null;
    }
}
