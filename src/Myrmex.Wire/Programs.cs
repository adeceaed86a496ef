namespace Myrmex.Wire;

/// <summary>RPC program numbers, versions and procedures. Source: GlusterFS 10 and 11.</summary>
public static class Programs
{
    public const uint Dump = 123451501;
    public const uint DumpVersion = 1;
    public const uint DumpList = 1;
    public const uint DumpPing = 2;

    public const uint Handshake = 14398633;
    public const uint HandshakeVersion = 2;
    public const uint SetVolume = 1;
    public const uint GetSpec = 2;
    public const uint HandshakePing = 3;
    public const uint SetLockVersion = 4;
    public const uint EventNotify = 5;
    public const uint GetVolumeInfo = 6;
    public const uint GetSnapshotInfo = 7;

    public const uint Portmap = 34123456;
    public const uint PortmapVersion = 1;
    public const uint PortByBrick = 1;
    public const uint BrickByPort = 2;
    public const uint SignIn = 4;
    public const uint SignOut = 5;

    public const uint Fop = 1298437;
    public const uint FopVersion = 400;

    public const uint Callback = 52743234;
    public const uint CallbackVersion = 1;
    public const uint FetchSpec = 1;
    public const uint CallbackEventNotify = 3;
    public const uint CacheInvalidation = 5;
    public const uint ChildUp = 6;
    public const uint ChildDown = 7;
    public const uint RecallLease = 8;
    public const uint StateDump = 9;
    public const uint InodelkContention = 10;
    public const uint EntrylkContention = 11;

    /// <summary>
    /// What our servers take beyond GlusterFS, and list: releases of many files at once, contents in READDIRP,
    /// leases for caches. From the range that RFC 5531 leaves to users. Source: docs/reference/small-files.md,
    /// docs/reference/cache-leases.md.
    /// </summary>
    public const uint Extension = 0x204D5958;
    public const uint ExtensionVersion = 1;
    public const uint ReleaseMany = 1;

    /// <summary>Asks for the promise that caches live by. Source: docs/reference/cache-leases.md.</summary>
    public const uint CacheLease = 2;

    /// <summary>What the server has told is handled; has no answer.</summary>
    public const uint CacheHandled = 3;

    /// <summary>From the server, without an answer: an inode changes.</summary>
    public const uint CacheChange = 4;

    /// <summary>Messages between members of a replica set; from the range that RFC 5531 leaves to users.</summary>
    public const uint Peer = 0x204D5950;
    public const uint PeerVersion = 1;
    public const uint PeerMessage = 1;
}
