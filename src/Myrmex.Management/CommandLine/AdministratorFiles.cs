using System.Threading.Tasks;
using Myrmex.Management.Nodes;

namespace Myrmex.Management.CommandLine;

/// <summary>A certificate for an administrator, with the key made here: it never leaves the machine.</summary>
public static class AdministratorFiles
{
    /// <summary>
    /// Writes <c>admin.key</c>, <c>admin.pem</c> and <c>ca.pem</c>; throws <see cref="System.IO.IOException"/> when one
    /// of them is there.
    /// </summary>
    public static async Task MakeAsync(ManagementClient client, string name, string directory)
    {
        var request = AdministratorCommands.NewRequest(name, out var key);
        using (key)
        {
            var issued = await client.IssueAsync(name, request);
            AdministratorCommands.WriteFiles(
                directory, key, new AdministratorCertificate(issued.Certificate, issued.Authority));
        }
    }
}
