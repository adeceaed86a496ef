using System.IO;
using Myrmex.Interop.Tests.Kit;
using Xunit;

namespace Myrmex.Campaigns;

/// <summary>Every campaign in a few seconds: that it runs, finds nothing on a small scale and leaves nothing behind.</summary>
public sealed class SmokeTests
{
    [InteropFact(Need.StockClient | Need.Xfs | Need.Python | Need.Toolchain)]
    public void RealInput() => RunSmoke("real-input");

    [InteropFact(Need.StockClient | Need.Xfs | Need.Python | Need.Toolchain)]
    public void Pjdfstest() => RunSmoke("pjdfstest");

    [InteropFact(Need.StockClient | Need.Xfs | Need.Python | Need.Toolchain)]
    public void Faults() => RunSmoke("faults");

    [InteropFact(Need.StockClient | Need.Xfs | Need.Python | Need.Toolchain)]
    public void Fuzz() => RunSmoke("fuzz");

    [InteropFact(Need.StockClient | Need.Xfs | Need.Python | Need.Etcd | Need.Namespaces | Need.Long)]
    public void Cluster() => RunSmoke("cluster");

    [Fact]
    public void Journal() => RunSmoke("journal");

    [InteropFact(Need.None)]
    public void Replication() => RunSmoke("replication");

    [InteropFact(FailoverBed.Needs)]
    public void Failover() => RunSmoke("failover");

    [InteropFact(ProxyBed.Needs)]
    public void Proxy() => RunSmoke("proxy");

    [InteropFact(Need.Xfs)]
    public void Sessions() => RunSmoke("sessions");

    [InteropFact(FailoverBed.Needs)]
    public void Away() => RunSmoke("away");

    private static void RunSmoke(string name)
    {
        using var output = new StringWriter();
        var code = Program.Run(Campaign.Find(name)!, ["--smoke"], output);
        Assert.True(code == 0, output.ToString());
        Assert.Empty(Mounts.Below(Ledger.Run));
    }
}
