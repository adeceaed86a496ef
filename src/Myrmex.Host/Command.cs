using System;

namespace Myrmex.Host;

/// <summary>A subcommand: its arguments follow its name; it returns the exit code.</summary>
internal sealed record Command(string Name, string Help, Func<string[], int> Run);
