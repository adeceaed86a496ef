using System;
using System.Text.Json;

namespace Myrmex.Management.Nodes;

/// <summary>
/// A certificate of an administrator, under <c>cluster/admin/NAME</c>: it holds as long as this is there.
/// </summary>
/// <param name="Fingerprint">SHA-256 of the certificate, hexadecimal.</param>
internal sealed record AdministratorRecord(string Name, string Fingerprint, long IssuedUnixMs, long EndsUnixMs)
{
    public byte[] ToBytes() => JsonSerializer.SerializeToUtf8Bytes(this, NodeJson.Default.AdministratorRecord);

    /// <summary>Throws <see cref="JsonException"/>.</summary>
    public static AdministratorRecord FromBytes(ReadOnlySpan<byte> bytes) =>
        JsonSerializer.Deserialize(bytes, NodeJson.Default.AdministratorRecord)
            ?? throw new JsonException("no administrator");
}
