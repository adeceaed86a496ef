using System;

namespace Myrmex.Volumes;

/// <summary>
/// What a GETSPEC key asks for. Source: GlusterFS key forms <c>VOL</c>, <c>/VOL</c>,
/// <c>VOL.HOST.path-with-dashes</c>, <c>gfproxy-client/VOL</c> (with any number of slashes between) and
/// <c>gfproxyd/VOL</c>.
/// </summary>
/// <param name="Volume">Name of the volume.</param>
/// <param name="BrickKey">The whole key when it names a brick, else empty.</param>
public readonly record struct VolfileKey(string Volume, string BrickKey)
{
    /// <summary>Characters of the longest key looked at.</summary>
    public const int LengthMax = 8 << 10;

    private const string ThinPrefix = "gfproxy-client/";
    private const string ProxyPrefix = "gfproxyd/";

    /// <summary>For a client that goes through proxies.</summary>
    public bool IsThin { get; private init; }

    /// <summary>For a proxy itself.</summary>
    public bool IsProxy { get; private init; }

    public bool IsBrick => BrickKey.Length > 0;

    /// <summary>False for keys of another form; whether the volume exists is another question.</summary>
    public static bool TryParse(string text, out VolfileKey key)
    {
        key = default;
        if (text.Length > LengthMax)
        {
            return false;
        }

        var name = text.TrimStart('/');
        var isThin = name.StartsWith(ThinPrefix, StringComparison.Ordinal);
        var isProxy = name.StartsWith(ProxyPrefix, StringComparison.Ordinal);
        if (isThin || isProxy)
        {
            name = name[(isThin ? ThinPrefix : ProxyPrefix).Length..].TrimStart('/');
        }

        var dot = name.IndexOf('.');
        var volume = dot < 0 ? name : name[..dot];
        if (VolumeNames.Problem(volume) is not null || (dot >= 0 && (isThin || isProxy)))
        {
            return false;
        }

        key = new VolfileKey(volume, dot < 0 ? string.Empty : name) { IsThin = isThin, IsProxy = isProxy };
        return true;
    }

    /// <summary>The brick that this key names, or null.</summary>
    public Brick? BrickOf(Volume volume)
    {
        foreach (var brick in volume.Bricks)
        {
            if (brick.VolfileKey(volume.Name) == BrickKey)
            {
                return brick;
            }
        }

        return null;
    }
}
