using System;

namespace Myrmex.Management.Nodes;

/// <summary>The maxima and times of nodes.</summary>
internal static class NodeLimits
{
    public const int ManagementPortDefault = 24007;

    public const int NodePortDefault = 24008;

    /// <summary>After which a daemon that is not heard of is taken for gone.</summary>
    public const long LeaseSeconds = 6;

    /// <summary>Pause after the store could not be used.</summary>
    public const long StoreRetryMs = 500;

    /// <summary>Characters of a name of a node. Source: RFC 1035.</summary>
    public const int NameLengthMax = 253;

    /// <summary>Names of one node.</summary>
    public const int NamesMax = 16;

    /// <summary>Labels of one node, and characters of a key or value.</summary>
    public const int LabelsMax = 32;

    public const int LabelLengthMax = 128;

    /// <summary>Times a change of members is tried again because another one came first.</summary>
    public const int ChangeAttemptsMax = 20;

    /// <summary>Between two looks at the addresses of this machine and the age of its certificate.</summary>
    public const long RefreshMs = 30_000;

    /// <summary>Between two questions of a node that has a place in a cluster but was not told to take it.</summary>
    public const long ConfirmPeriodMs = 3_000;

    /// <summary>After which a join that was never confirmed is forgotten.</summary>
    public const long ConfirmMs = 120_000;

    /// <summary>How long both sides of a join remember each other's nonces.</summary>
    public const long HandshakeMs = 30_000;

    /// <summary>How long a member that takes a node in may keep other members from it.</summary>
    public const long ClaimMs = 5_000;

    /// <summary>
    /// How long <c>peer probe</c> tries again when something changes under it, and its longest pause.
    /// </summary>
    public const long ProbeMs = 12_000;

    public const int ProbePauseMsMax = 400;

    /// <summary>Joins under way at once; the oldest one gives way.</summary>
    public const int HandshakesMax = 64;

    /// <summary>How long a stranger's answer is waited for while joining.</summary>
    public const long JoinRequestMs = 10_000;

    /// <summary>
    /// How long <c>peer probe</c> waits for the new node to be heard of, so that the next command can use it.
    /// </summary>
    public const long ProbeSettleMs = 10_000;

    /// <summary>Between two looks meanwhile.</summary>
    public const long ProbeLookMs = 50;

    /// <summary>One attempt to reach one address of a node.</summary>
    public const long ConnectMs = 700;

    /// <summary>A further address is tried beside the one that has not answered for so long.</summary>
    public const long ConnectStaggerMs = 150;

    /// <summary>
    /// A whole request to another node, unless its caller asks for more: a command that asks every node answers within
    /// two seconds when one is down.
    /// </summary>
    public const long RequestMs = 1_500;

    /// <summary>While a longer request is under way: before its node is asked (again) whether it is there.</summary>
    public const long WatchPauseMs = 300;

    /// <summary>Bytes of a JSON answer of another node.</summary>
    public const long AnswerBytesMax = 16 << 20;

    /// <summary>Addresses in one certificate.</summary>
    public const int CertificateAddressesMax = 64;

    /// <summary>Certificates begin earlier than now, because clocks differ.</summary>
    public static TimeSpan CertificateSlack => TimeSpan.FromDays(1);

    public static TimeSpan AuthorityLife => TimeSpan.FromDays(365 * 30);

    public static TimeSpan CertificateLife => TimeSpan.FromDays(365 * 3);

    /// <summary>A certificate with less than this left is renewed.</summary>
    public static TimeSpan RenewBefore => TimeSpan.FromDays(365);

    public static TimeSpan AdministratorLife => TimeSpan.FromDays(365);
}
