using System.Collections.Generic;
using Myrmex.Graph;

namespace Myrmex.Features;

/// <summary>Feature translators of stock volfiles that do nothing as long as their feature is off. See README.md.</summary>
public static class TransparentTypes
{
    public static IReadOnlyList<TranslatorRegistration> All { get; } =
    [
        PassThrough.Registration("features/quiesce"),
        PassThrough.Registration("features/selinux"),
        PassThrough.Registration("features/barrier", "barrier"),
        PassThrough.Registration("features/marker", "xtime", "gsync-force-xtime", "quota", "inode-quota"),
        PassThrough.Registration("features/quota", "server-quota"),
        PassThrough.Registration("features/worm", "worm", "worm-file-level"),
        PassThrough.Registration("features/bitrot-stub", "bitrot"),
        PassThrough.Registration("features/changelog", "changelog"),
    ];
}
