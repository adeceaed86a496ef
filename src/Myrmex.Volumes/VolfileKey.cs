namespace Myrmex.Volumes;

/// <summary>
/// What a GETSPEC key asks for. Source: GlusterFS key forms <c>VOL</c>, <c>/VOL</c> and
/// <c>VOL.HOST.path-with-dashes</c>.
/// </summary>
/// <param name="Volume">Name of the volume.</param>
/// <param name="BrickKey">The whole key when it names a brick, else empty.</param>
public readonly record struct VolfileKey(string Volume, string BrickKey)
{
    /// <summary>Characters of the longest key looked at.</summary>
    public const int LengthMax = 8 << 10;

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
        var dot = name.IndexOf('.');
        var volume = dot < 0 ? name : name[..dot];
        if (VolumeNames.Problem(volume) is not null)
        {
            return false;
        }

        key = new VolfileKey(volume, dot < 0 ? string.Empty : name);
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
