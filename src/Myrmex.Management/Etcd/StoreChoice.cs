using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text.Json;
using Myrmex.Coordination;
using Myrmex.Coordination.Etcd;

namespace Myrmex.Management.Etcd;

public enum StoreKind
{
    /// <summary>The node's own file.</summary>
    Embedded,

    /// <summary>An etcd that somebody else looks after.</summary>
    External,

    /// <summary>An etcd whose members the daemons run.</summary>
    Managed,
}

/// <summary>
/// Which store holds the state of the cluster, under <c>local/store</c> in every node's own file. All paths hold on
/// every node.
/// </summary>
public sealed record StoreChoice(StoreKind Kind)
{
    public const string Key = "local/store";

    /// <summary>Members of etcd; for a managed one those that were known last.</summary>
    public IReadOnlyList<Uri>? Endpoints { get; init; }

    public string? Prefix { get; init; }

    public string? CaFile { get; init; }

    public string? CertificateFile { get; init; }

    public string? KeyFile { get; init; }

    public string? User { get; init; }

    /// <summary>File whose first line is the password of <see cref="User"/>.</summary>
    public string? PasswordFile { get; init; }

    /// <summary>The move that led here; null when there was none.</summary>
    public string? Move { get; init; }

    public static StoreChoice Embedded { get; } = new(StoreKind.Embedded);

    /// <summary>The managed etcd; before it is made, without members.</summary>
    public static StoreChoice Managed(params IReadOnlyList<Uri> endpoints) =>
        new(StoreKind.Managed) { Endpoints = endpoints };

    /// <summary>An etcd as it is given to the daemon.</summary>
    /// <param name="passwordFile">Where the password of <paramref name="etcd"/> is from; null without a user.</param>
    public static StoreChoice External(EtcdOptions etcd, string? passwordFile) => new(StoreKind.External)
    {
        Endpoints = etcd.Endpoints,
        Prefix = etcd.Prefix,
        CaFile = etcd.CaFile,
        CertificateFile = etcd.CertificateFile,
        KeyFile = etcd.KeyFile,
        User = etcd.User,
        PasswordFile = passwordFile,
    };

    public byte[] ToBytes() => JsonSerializer.SerializeToUtf8Bytes(this, EtcdJson.Default.StoreChoice);

    /// <summary>What a node that joins keeps as its own choice.</summary>
    public string ToText() => JsonSerializer.Serialize(this with { Move = null }, EtcdJson.Default.StoreChoice);

    /// <summary>Throws <see cref="StateStoreException"/> when it cannot be read.</summary>
    public static StoreChoice FromBytes(ReadOnlySpan<byte> bytes)
    {
        try
        {
            return JsonSerializer.Deserialize(bytes, EtcdJson.Default.StoreChoice) ?? throw new JsonException("null");
        }
        catch (JsonException e)
        {
            throw new StateStoreException($"{Key} is damaged: {e.Message}", e);
        }
    }

    /// <summary>Throws <see cref="StateStoreException"/> when the file of the password cannot be read.</summary>
    internal EtcdOptions ToOptions(NodeCertificates certificates) => Kind == StoreKind.Managed
        ? new EtcdOptions
        {
            Endpoints = Endpoints ?? [],
            CaFile = certificates.CaFile,
            CertificateFile = certificates.CertificateFile,
            KeyFile = certificates.KeyFile,
        }
        : new EtcdOptions
        {
            Endpoints = Endpoints ?? [],
            Prefix = Prefix ?? EtcdOptions.DefaultPrefix,
            CaFile = CaFile,
            CertificateFile = CertificateFile,
            KeyFile = KeyFile,
            User = User,
            Password = PasswordFile is null ? null : ReadPassword(PasswordFile),
        };

    private static string ReadPassword(string file)
    {
        try
        {
            return File.ReadLines(file).FirstOrDefault() ?? string.Empty;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StateStoreException($"the password of etcd's user cannot be read: {e.Message}", e);
        }
    }
}
