using System;
using System.Reflection;
using Xunit.Abstractions;
using Xunit.Sdk;

namespace Myrmex.Interop.Tests.Kit;

/// <summary>Opens the <see cref="Ledger"/> before the first test and clears it after the last one.</summary>
public sealed class InteropFramework(IMessageSink sink) : XunitTestFramework(sink)
{
    protected override ITestFrameworkExecutor CreateExecutor(AssemblyName assemblyName)
    {
        if (Environment.IsPrivilegedProcess)
        {
            Ledger.Open();
            FailureWatch.Start();
            AppDomain.CurrentDomain.ProcessExit += (_, _) => Ledger.Close();
        }

        return base.CreateExecutor(assemblyName);
    }
}
