using System.Collections.Generic;
using Myrmex.Graph;

namespace Myrmex.Performance;

/// <summary>Performance translators of stock volfiles that are taken as they are and do nothing. See README.md.</summary>
public static class TransparentTypes
{
    public static IReadOnlyList<TranslatorRegistration> All { get; } =
    [
        PassThrough.Registration("performance/io-cache"),
        PassThrough.Registration("performance/io-threads"),
        PassThrough.Registration("performance/md-cache"),
        PassThrough.Registration("performance/nl-cache"),
        PassThrough.Registration("performance/read-ahead"),
        PassThrough.Registration("performance/readdir-ahead"),
        PassThrough.Registration("meta"),
    ];
}
