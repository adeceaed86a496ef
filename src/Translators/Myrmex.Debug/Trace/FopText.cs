using System.Globalization;
using System.Text;
using Myrmex.Base;

namespace Myrmex.Debug;

/// <summary>The arguments of a fop as text for people.</summary>
internal static class FopText
{
    /// <param name="fop">Any fop value.</param>
    /// <param name="withNames">File names are user data: only when the log is open for them.</param>
    public static string Describe<TFop>(in TFop fop, bool withNames)
        where TFop : struct => fop switch
        {
            LookupFop f => Entry(f.Parent, f.Name, withNames) + Gfid(f.Gfid),
            CreateFop f => Entry(f.Parent, f.Name, withNames) + Octal("flags", f.Flags) + Octal("mode", f.Mode),
            MknodFop f => Entry(f.Parent, f.Name, withNames) + Octal("mode", f.Mode),
            MkdirFop f => Entry(f.Parent, f.Name, withNames) + Octal("mode", f.Mode),
            UnlinkFop f => Entry(f.Parent, f.Name, withNames),
            RmdirFop f => Entry(f.Parent, f.Name, withNames),
            SymlinkFop f => Entry(f.Parent, f.Name, withNames),
            LinkFop f => Gfid(f.Gfid) + Entry(f.NewParent, f.NewName, withNames),
            RenameFop f => Entry(f.OldParent, f.OldName, withNames) + Entry(f.NewParent, f.NewName, withNames),
            OpenFop f => Gfid(f.Gfid) + Octal("flags", f.Flags),
            ReadFop f => Gfid(f.Gfid) + Range(f.Offset, f.Size),
            WriteFop f => Gfid(f.Gfid) + Range(f.Offset, f.Data.Length) + Octal("flags", f.Flags),
            TruncateFop f => Gfid(f.Gfid) + Range(f.Offset, 0),
            FtruncateFop f => Gfid(f.Gfid) + Range(f.Offset, 0),
            FallocateFop f => Gfid(f.Gfid) + Range(f.Offset, f.Length) + Octal("flags", f.Flags),
            DiscardFop f => Gfid(f.Gfid) + Range(f.Offset, f.Length),
            ZerofillFop f => Gfid(f.Gfid) + Range(f.Offset, f.Length),
            ReaddirFop f => Gfid(f.Gfid) + Range(f.Offset, f.Size),
            ReaddirpFop f => Gfid(f.Gfid) + Range(f.Offset, f.Size),
            LkFop f => Gfid(f.Gfid) + Lock(f.Command, f.Type, f.Flock),
            InodelkFop f => Gfid(f.Gfid) + Lock(f.Command, f.Type, f.Flock) + " domain=" + f.Domain,
            FinodelkFop f => Gfid(f.Gfid) + Lock(f.Command, f.Type, f.Flock) + " domain=" + f.Domain,
            EntrylkFop f => Entry(f.Gfid, f.Name, withNames) + " command=" + f.Command + " domain=" + f.Domain,
            FentrylkFop f => Entry(f.Gfid, f.Name, withNames) + " command=" + f.Command + " domain=" + f.Domain,
            SetattrFop f => Gfid(f.Gfid) + " valid=" + f.Valid,
            FsetattrFop f => Gfid(f.Gfid) + " valid=" + f.Valid,
            SetxattrFop f => Gfid(f.Gfid) + Keys("values", f.Values),
            FsetxattrFop f => Gfid(f.Gfid) + Keys("values", f.Values),
            GetxattrFop f => Gfid(f.Gfid) + " name=" + f.Name,
            FgetxattrFop f => Gfid(f.Gfid) + " name=" + f.Name,
            RemovexattrFop f => Gfid(f.Gfid) + " name=" + f.Name,
            FremovexattrFop f => Gfid(f.Gfid) + " name=" + f.Name,
            XattropFop f => Gfid(f.Gfid) + " kind=" + f.Kind + Keys("values", f.Values),
            FxattropFop f => Gfid(f.Gfid) + " kind=" + f.Kind + Keys("values", f.Values),
            StatFop f => Gfid(f.Gfid),
            FstatFop f => Gfid(f.Gfid),
            OpendirFop f => Gfid(f.Gfid),
            FlushFop f => Gfid(f.Gfid),
            FsyncFop f => Gfid(f.Gfid),
            ReleaseFop f => Gfid(f.Gfid),
            ReleasedirFop f => Gfid(f.Gfid),
            StatfsFop f => Gfid(f.Gfid),
            AccessFop f => Gfid(f.Gfid) + Octal("mask", f.Mask),
            ReadlinkFop f => Gfid(f.Gfid),
            SeekFop f => Gfid(f.Gfid) + Range(f.Offset, 0) + " kind=" + f.Kind,
            _ => string.Empty,
        };

    private static string Gfid(Gfid gfid) => gfid.IsNull ? string.Empty : " gfid=" + gfid;

    private static string Entry(Gfid parent, Name name, bool withNames) =>
        (parent.IsNull ? string.Empty : " parent=" + parent) + (withNames ? " name=" + name : string.Empty);

    private static string Range(long offset, long size) =>
        string.Create(CultureInfo.InvariantCulture, $" offset={offset} size={size}");

    private static string Octal(string key, uint value) => $" {key}=0{System.Convert.ToString(value, 8)}";

    private static string Lock(LockCommand command, LockType type, Flock flock) =>
        $" command={command} type={type}" + Range(flock.Start, flock.Length);

    private static string Keys(string label, XData? values)
    {
        var text = new StringBuilder().Append(' ').Append(label).Append('=');
        if (values is not null)
        {
            foreach (var pair in values)
            {
                text.Append(Encoding.UTF8.GetString(pair.Key)).Append(';');
            }
        }

        return text.ToString();
    }
}
