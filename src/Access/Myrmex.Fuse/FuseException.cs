using System;

namespace Myrmex.Fuse;

/// <summary>A mount that cannot work; the message is for the user.</summary>
public sealed class FuseException(string message) : Exception(message);
