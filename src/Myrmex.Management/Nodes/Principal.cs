using System;
using Myrmex.Base;
using Myrmex.Volumes;

namespace Myrmex.Management.Nodes;

/// <summary>Who can bear a certificate of the cluster.</summary>
internal enum PrincipalKind
{
    /// <summary>A node: <c>node:ID</c>.</summary>
    Node,

    /// <summary>Someone who gives commands from elsewhere: <c>admin:NAME</c>.</summary>
    Administrator,
}

/// <summary>The bearer of a certificate, as its common name says.</summary>
/// <param name="Name">The id of the node in lower case, or the name of the administrator.</param>
internal sealed record Principal(PrincipalKind Kind, string Name)
{
    /// <summary>
    /// Characters of an administrator's name; a common name has at most 64. Source: RFC 5280, ub-common-name.
    /// </summary>
    public const int AdministratorLengthMax = 48;

    private const string NodePrefix = "node:";
    private const string AdministratorPrefix = "admin:";

    /// <summary>The node. Only for one.</summary>
    public NodeId NodeId => Gfid.TryParse(Name, out var id) && Kind == PrincipalKind.Node
        ? new NodeId(id) : throw new InvalidOperationException($"{this} is not a node");

    public static Principal OfNode(NodeId id) => new(PrincipalKind.Node, id.ToString());

    public static Principal OfAdministrator(string name) => new(PrincipalKind.Administrator, name);

    /// <summary>True for a name of 1 to 48 ASCII letters, digits, dots, hyphens and underscores.</summary>
    public static bool IsAdministratorName(string name)
    {
        foreach (var c in name)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('-' or '_' or '.'))
            {
                return false;
            }
        }

        return name.Length is > 0 and <= AdministratorLengthMax && name[0] != '.' && name[0] != '-';
    }

    /// <summary>The bearer that a common name says; null for anything else.</summary>
    public static Principal? Parse(string? commonName)
    {
        if (commonName is null)
        {
            return null;
        }

        if (commonName.StartsWith(NodePrefix, StringComparison.Ordinal))
        {
            return Gfid.TryParse(commonName[NodePrefix.Length..], out var id) ? OfNode(new NodeId(id)) : null;
        }

        return commonName.StartsWith(AdministratorPrefix, StringComparison.Ordinal)
            && IsAdministratorName(commonName[AdministratorPrefix.Length..])
            ? OfAdministrator(commonName[AdministratorPrefix.Length..]) : null;
    }

    public override string ToString() => (Kind == PrincipalKind.Node ? NodePrefix : AdministratorPrefix) + Name;
}
