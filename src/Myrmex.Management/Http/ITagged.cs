namespace Myrmex.Management.Http;

/// <summary>An answer with an entity tag. Source: RFC 9110, ETag.</summary>
public interface ITagged
{
    /// <summary>With its quotes; another one after every change. Null when it is not known.</summary>
    string? Tag { get; }
}
