namespace Myrmex.Volumes;

/// <summary>What setting an option does in this version.</summary>
public enum OptionEffect
{
    /// <summary>What its help says.</summary>
    Works,

    /// <summary>It is handed to GlusterFS clients, which honour it; our own client does not need it.</summary>
    GlusterClients,

    /// <summary>
    /// It is taken and changes nothing: it only tunes something that is done otherwise here, or it is about copies that
    /// clients keep equal, which a journal does here.
    /// </summary>
    None,

    /// <summary>
    /// Only the value that means "off" is taken: whoever sets another one counts on something that is not there.
    /// </summary>
    Refused,
}
