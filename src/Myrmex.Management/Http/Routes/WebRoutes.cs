using System;
using System.IO;
using System.Reflection;
using System.Threading.Tasks;

namespace Myrmex.Management.Http;

/// <summary>
/// The page for people. It is the same for everyone and tells nothing; what it shows it asks of the other routes, with
/// the token of who looks at it.
/// </summary>
internal sealed class WebRoutes : RestRoutes
{
    /// <summary>Nothing from elsewhere, in no frame of somebody else's.</summary>
    private const string Policy =
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
        + "base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

    public override void Map(RouteMap map)
    {
        Add(map, "/", "The page for people.", "text/html", "index.html");
        Add(map, "/web/app.js", "Its program.", "text/javascript", "app.js");
        Add(map, "/web/style.css", "Its looks.", "text/css", "style.css");
    }

    private static void Add(RouteMap map, string pattern, string summary, string type, string file)
    {
        var content = Read(file);
        map.Get(pattern, summary, type, request => WriteAsync(request, type, content)).Open();
    }

    private static async Task WriteAsync(RestRequest request, string type, byte[] content)
    {
        var response = request.Context.Response;
        response.ContentType = type + "; charset=utf-8";
        response.ContentLength = content.Length;
        response.Headers.ContentSecurityPolicy = Policy;
        response.Headers.XContentTypeOptions = "nosniff";
        response.Headers.CacheControl = "no-cache";
        response.Headers["Referrer-Policy"] = "no-referrer";
        await response.Body.WriteAsync(content, request.Aborted);
    }

    private static byte[] Read(string file)
    {
        using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream($"web/{file}")
            ?? throw new InvalidOperationException($"the page lacks {file}"); // The build puts it in.
        using var content = new MemoryStream();
        stream.CopyTo(content);
        return content.ToArray();
    }
}
