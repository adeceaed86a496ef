using System;
using System.IO;
using System.Linq;
using System.Threading.Tasks;
using Myrmex.Management;
using Myrmex.Management.CommandLine;
using Myrmex.Management.Http;
using Xunit;

namespace Myrmex.Unit.Tests.Management;

/// <summary>
/// The command line prints what GlusterFS 10.3 prints. The expected texts are its output, recorded, for the same volumes;
/// where ours differs on purpose the test says so.
/// </summary>
public sealed class GlusterCliTests
{
    private const string Bricks = "/tmp/oracle/bricks/";
    private readonly FakeClient _client = new();

    [Fact]
    public async Task VolumeInfoHasTheShapeThatScriptsParse()
    {
        _client.Volumes.Add(FakeClient.Volume("demo", "Started", "/bricks/b1", "/bricks/b2"));
        await ExpectAsync(
            "volume info demo",
            """
             
            Volume Name: demo
            Type: Distribute
            Volume ID: b8631bf6-99b5-4bd3-8131-1abfd0d601cf
            Status: Started
            Snapshot Count: 0
            Number of Bricks: 2
            Transport-type: tcp
            Bricks:
            Brick1: 10.9.9.1:/bricks/b1
            Brick2: 10.9.9.1:/bricks/b2
            Options Reconfigured:
            storage.fips-mode-rchecksum: on
            transport.address-family: inet
            nfs.disable: on

            """);
    }

    [Theory]
    [InlineData("volume list", 0, "No volumes present in cluster\n")]
    [InlineData("volume info", 0, "No volumes present\n")]
    [InlineData("volume status", 0, "No volumes present\n")]
    [InlineData("volume info demo", 1, "Volume demo does not exist\n")]
    [InlineData("volume status demo", 1, "Volume demo is not started\n")]
    public async Task WithoutVolumesTheErrorStreamSaysSo(string line, int code, string error) =>
        Assert.Equal((code, string.Empty, error), await RunAsync(line));

    [Fact]
    public async Task VolumeStatusIsATableWithWrappedNames()
    {
        Started("demo", Brick("b1", online: true, pid: 487), Brick("b2", online: false, pid: 0), Brick(
            "a-quite-long-directory-name-for-a-brick-to-see-it-wrapping", online: true, pid: 1439));
        await ExpectAsync(
            "volume status",
            """
            Status of volume: demo
            Gluster process                             TCP Port  RDMA Port  Online  Pid
            ------------------------------------------------------------------------------
            Brick 10.9.9.1:/tmp/oracle/bricks/b1        60821     0          Y       487  
            Brick 10.9.9.1:/tmp/oracle/bricks/b2        N/A       N/A        N       N/A  
            Brick 10.9.9.1:/tmp/oracle/bricks/a-quite-l
            ong-directory-name-for-a-brick-to-see-it-wr
            apping                                      60821     0          Y       1439 
             
            Task Status of Volume demo
            ------------------------------------------------------------------------------
            There are no active volume tasks
             

            """);
    }

    [Fact]
    public async Task VolumeStatusDetailNamesTheFileSystem()
    {
        Started("demo", Brick("b1", online: true, pid: 487) with
        {
            Detail = new BrickDetailMessage("tmpfs", "tmpfs", "rw,relatime", 4096, 12638253056, 12638253056, 3085511, 3084702),
        });
        await ExpectAsync(
            "volume status demo detail",
            """
            Status of volume: demo
            ------------------------------------------------------------------------------
            Brick                : Brick 10.9.9.1:/tmp/oracle/bricks/b1
            TCP Port             : 60821               
            RDMA Port            : 0                   
            Online               : Y                   
            Pid                  : 487                 
            File System          : tmpfs               
            Device               : tmpfs               
            Mount Options        : rw,relatime         
            Inode Size           : N/A                 
            Disk Space Free      : 11.8GB              
            Total Disk Space     : 11.8GB              
            Inode Count          : 3085511             
            Free Inodes          : 3084702             
             

            """);
    }

    [Fact]
    public async Task XmlInfoHasTheElementsOfGlusterFS()
    {
        _client.Volumes.Add(FakeClient.Volume("demo", "Started", "/b1"));
        await ExpectAsync(
            "volume info --xml",
            """
            <?xml version="1.0" encoding="UTF-8" standalone="yes"?>
            <cliOutput>
              <opRet>0</opRet>
              <opErrno>0</opErrno>
              <opErrstr/>
              <volInfo>
                <volumes>
                  <volume>
                    <name>demo</name>
                    <id>b8631bf6-99b5-4bd3-8131-1abfd0d601cf</id>
                    <status>1</status>
                    <statusStr>Started</statusStr>
                    <snapshotCount>0</snapshotCount>
                    <brickCount>1</brickCount>
                    <distCount>1</distCount>
                    <replicaCount>1</replicaCount>
                    <arbiterCount>0</arbiterCount>
                    <disperseCount>0</disperseCount>
                    <redundancyCount>0</redundancyCount>
                    <type>0</type>
                    <typeStr>Distribute</typeStr>
                    <transport>0</transport>
                    <bricks>
                      <brick uuid="c348998a-f218-4ae1-872b-8c0ebf39dfe7">10.9.9.1:/b1<name>10.9.9.1:/b1</name><hostUuid>c348998a-f218-4ae1-872b-8c0ebf39dfe7</hostUuid><isArbiter>0</isArbiter></brick>
                    </bricks>
                    <optCount>3</optCount>
                    <options>
                      <option>
                        <name>storage.fips-mode-rchecksum</name>
                        <value>on</value>
                      </option>
                      <option>
                        <name>transport.address-family</name>
                        <value>inet</value>
                      </option>
                      <option>
                        <name>nfs.disable</name>
                        <value>on</value>
                      </option>
                    </options>
                  </volume>
                  <count>1</count>
                </volumes>
              </volInfo>
            </cliOutput>

            """);
    }

    [Fact]
    public async Task XmlStatusHasANodeForEachBrick()
    {
        Started("demo", Brick("b1", online: true, pid: 487));
        await ExpectXmlAsync(
            "volume status demo --xml",
            """
              <volStatus>
                <volumes>
                  <volume>
                    <volName>demo</volName>
                    <nodeCount>1</nodeCount>
                    <node>
                      <hostname>10.9.9.1</hostname>
                      <path>/tmp/oracle/bricks/b1</path>
                      <peerid>c348998a-f218-4ae1-872b-8c0ebf39dfe7</peerid>
                      <status>1</status>
                      <port>60821</port>
                      <ports>
                        <tcp>60821</tcp>
                        <rdma>N/A</rdma>
                      </ports>
                      <pid>487</pid>
                    </node>
                    <tasks/>
                  </volume>
                </volumes>
              </volStatus>
            """);
    }

    [Fact]
    public Task XmlOfAnEmptyListCountsZero() => ExpectXmlAsync(
        "volume list --xml",
        """
          <volList>
            <count>0</count>
          </volList>
        """);

    [Fact]
    public Task XmlOfTheLonelyPeerStatusIsEmpty() => ExpectXmlAsync("peer status --xml", "  <peerStatus/>");

    [Fact]
    public Task XmlOfThePoolHasThisNode() => ExpectXmlAsync(
        "--xml pool list",
        """
          <peerStatus>
            <peer>
              <uuid>c348998a-f218-4ae1-872b-8c0ebf39dfe7</uuid>
              <hostname>localhost</hostname>
              <connected>1</connected>
            </peer>
          </peerStatus>
        """);

    [Fact]
    public Task XmlOfAChangeNamesTheVolume() => ExpectXmlAsync(
        "volume start demo --xml",
        """
          <volStart>
            <volume>
              <name>demo</name>
              <id>b8631bf6-99b5-4bd3-8131-1abfd0d601cf</id>
            </volume>
          </volStart>
        """);

    [Fact]
    public Task XmlOfAnUnknownVolumeExitsZero() => ExpectAsync(
        "volume info nosuch --xml",
        """
        <?xml version="1.0" encoding="UTF-8" standalone="yes"?>
        <cliOutput>
          <opRet>-1</opRet>
          <opErrno>30806</opErrno>
          <opErrstr>Volume does not exist</opErrstr>
          <volInfo>
            <volumes>
              <count>0</count>
            </volumes>
          </volInfo>
        </cliOutput>

        """);

    [Fact]
    public async Task XmlOfARefusedSettingExitsZero()
    {
        _client.Refusal = new CommandException(CommandFailure.Invalid, "option : foo.bar does not exist\nDid you mean <x>?");
        await ExpectAsync(
            "volume set demo foo.bar 1 --xml",
            """
            <?xml version="1.0" encoding="UTF-8" standalone="yes"?>
            <cliOutput>
              <opRet>-1</opRet>
              <opErrno>30800</opErrno>
              <opErrstr>option : foo.bar does not exist
            Did you mean &lt;x&gt;?</opErrstr>
              <cliOp>volSet</cliOp>
              <output>Set volume unsuccessful</output>
            </cliOutput>

            """);
    }

    [Theory]
    [InlineData("volume create demo h:/b1 h:/b2 force", "volume create: demo: success: please start the volume to access data\n", "create demo replica 1 h:/b1,h:/b2 force=True")]
    [InlineData("volume create demo transport tcp h:/b1", "volume create: demo: success: please start the volume to access data\n", "create demo replica 1 h:/b1 force=False")]
    [InlineData("volume create demo replica 3 h:/b1 h:/b2 h:/b3", "volume create: demo: success: please start the volume to access data\n", "create demo replica 3 h:/b1,h:/b2,h:/b3 force=False")]
    [InlineData("volume create demo replica 3 arbiter 1 h:/b1 h:/b2 h:/b3", "volume create: demo: success: please start the volume to access data\n", "create demo replica 3 h:/b1,h:/b2,h:/b3 force=False")]
    [InlineData("volume create demo replica 3 journal /ssd/j h:/b1 h:/b2 h:/b3", "volume create: demo: success: please start the volume to access data\n", "create demo replica 3 h:/b1,h:/b2,h:/b3 force=False journal=/ssd/j")]
    [InlineData("volume create demo replica 2 arbiter 1 h:/b1 h:/b2 h:/b3", "volume create: demo: success: please start the volume to access data\n", "create demo replica 2 h:/b1,h:/b2,h:/b3 force=False")]
    [InlineData("volume start demo", "volume start: demo: success\n", "start demo force=False")]
    [InlineData("volume start demo force", "volume start: demo: success\n", "start demo force=True")]
    [InlineData("volume stop demo --mode=script", "volume stop: demo: success\n", "stop demo force=False")]
    [InlineData("--mode=script volume stop demo force", "volume stop: demo: success\n", "stop demo force=True")]
    [InlineData("volume delete demo --mode=script", "volume delete: demo: success\n", "delete demo")]
    [InlineData("volume set demo a.b 1 c.d 2", "volume set: success\n", "set demo a.b=1,c.d=2")]
    [InlineData("volume reset demo", "volume reset: success: reset volume successful\n", "reset demo (all) force=False")]
    [InlineData("volume reset demo force", "volume reset: success: reset volume successful\n", "reset demo (all) force=True")]
    [InlineData("volume reset demo a.b", "volume reset: success: reset volume successful\n", "reset demo a.b force=False")]
    [InlineData("volume set all a.b 1", "volume set: success\n", "cluster-set a.b=1")]
    [InlineData("volume set demo group mine", "volume set: success\n", "set demo a.b=1,c.d=2")]
    [InlineData("volume reset all", "volume reset: success: reset volume successful\n", "cluster-reset (all)")]
    [InlineData("volume reset all a.b", "volume reset: success: reset volume successful\n", "cluster-reset a.b")]
    [InlineData("volume add-brick demo h:/b3 force", "volume add-brick: success\n", "add-brick demo h:/b3 replica 0 force=True")]
    [InlineData("volume add-brick demo replica 3 h:/b3 h:/b4", "volume add-brick: success\n", "add-brick demo h:/b3,h:/b4 replica 3 force=False")]
    [InlineData("volume profile demo start", "Starting volume profile on demo has been successful \n", "profile demo start peek=False cumulative=False incremental=False")]
    [InlineData("volume profile demo stop nfs", "Stopping volume profile on demo has been successful \n", "profile demo stop peek=False cumulative=False incremental=False")]
    [InlineData("volume statedump demo", "volume statedump: success\n", "statedump demo ")]
    [InlineData("volume statedump demo client h:42", "volume statedump: success\n", "client-statedump demo h:42")]
    [InlineData("volume statedump demo mem fd", "volume statedump: success\n", "statedump demo mem,fd")]
    [InlineData("volume clear-locks demo / kind all posix", "Volume clear-locks successful\nNo locks cleared.\n", "clear-locks demo / all posix (none)")]
    [InlineData("volume clear-locks demo /locked kind granted inode 0,0-0", "Volume clear-locks successful\nh:/b1/: inode blocked locks=0 granted locks=1\n", "clear-locks demo /locked granted inode 0,0-0")]
    [InlineData("volume log demo rotate", "volume log-rotate: success\n", "rotate demo (all)")]
    [InlineData("volume log demo rotate h:/b1", "volume log-rotate: success\n", "rotate demo h:/b1")]
    [InlineData("volume rebalance demo fix-layout start", "volume rebalance: demo: success: Rebalance on demo has been started successfully. Use rebalance status command to check status of the rebalance process.\nID: task-1\n", "rebalance demo fix-layout force=False")]
    [InlineData("peer probe there", "peer probe: success\n", "probe there")]
    [InlineData("peer probe here", "peer probe: Probe on localhost not needed\n", "probe here")]
    [InlineData("peer probe old", "peer probe: Host old port 24007 already in peer list\n", "probe old")]
    [InlineData("peer detach there --mode=script", "peer detach: success\n", "detach there force=False")]
    [InlineData("peer detach there force --mode script", "peer detach: success\n", "detach there force=True")]
    [InlineData("peer label there rack=r1 site=", "peer label: success\nrack=r1\n", "label there rack=r1,site=(none)")]
    [InlineData("volume reset demo a.b force", "volume reset: success: reset volume successful\n", "reset demo a.b force=True")]
    public async Task ChangesReachTheDaemonAndSaySuccess(string line, string output, string call)
    {
        Assert.Equal((0, output, string.Empty), await RunAsync(line));
        Assert.Equal([call], _client.Calls);
    }

    [Theory]
    [InlineData("volume create demo h:/b1", "volume create: demo: failed: because\n")]
    [InlineData("volume start demo", "volume start: demo: failed: because\n")]
    [InlineData("volume stop demo --mode=script", "volume stop: demo: failed: because\n")]
    [InlineData("volume delete demo --mode=script", "volume delete: demo: failed: because\n")]
    [InlineData("volume set demo a.b 1", "volume set: failed: because\n")]
    [InlineData("volume reset demo", "volume reset: failed: because\n")]
    [InlineData("volume get demo a.b", "volume get option: failed: because\n")]
    [InlineData("volume get all a.b", "volume get option: failed: because\n")]
    [InlineData("volume set all a.b 1", "volume set: failed: because\n")]
    [InlineData("volume add-brick demo h:/b", "volume add-brick: failed: because\n")]
    [InlineData("volume rebalance demo status", "volume rebalance: demo: failed: because\n")]
    [InlineData("volume profile demo start", "because\n")]
    [InlineData("volume top demo open", "because\nvolume top unsuccessful\n")]
    [InlineData("volume statedump demo", "volume statedump: failed: because\n")]
    [InlineData("volume statedump demo client h:42", "volume statedump: failed: because\n")]
    [InlineData("volume clear-locks demo / kind all posix", "Volume clear-locks unsuccessful\nbecause\n")]
    [InlineData("volume log demo rotate", "volume log-rotate: failed: because\n")]
    [InlineData("peer probe x", "peer probe: failed: because\n")]
    [InlineData("peer detach x --mode=script", "peer detach: failed: because\n")]
    public async Task RefusalsGoToTheErrorStreamWithCodeOne(string line, string error)
    {
        _client.Refusal = new CommandException(CommandFailure.Failed, "because");
        Assert.Equal((1, string.Empty, error), await RunAsync(line));
    }

    [Theory]
    [InlineData("volume create demo nocolon", "Wrong brick type: nocolon, use <HOSTNAME>:<export-dir-abs-path>")]
    [InlineData("volume create demo h:rel/path", "Wrong brick type: h:rel/path, use <HOSTNAME>:<export-dir-abs-path>")]
    [InlineData("volume create demo h:/b1 h:/b1", "Found duplicate exports h:/b1")]
    [InlineData("volume create all h:/b1", "\"all\" cannot be the name of a volume.")]
    [InlineData("volume create demo disperse 3 h:/b1", "disperse volumes are not supported")]
    [InlineData("volume create demo transport rdma h:/b1", "the only transport is tcp")]
    [InlineData("volume create demo replica 2 thin-arbiter 1 h:/b1 h:/b2 h:/t", "this version has no thin arbiters: leave 'thin-arbiter 1' and its brick out; two copies as such, or 'replica 3', do without")]
    public async Task MistakesInCreateShowTheGrammar(string line, string problem)
    {
        var (code, output, error) = await RunAsync(line);
        Assert.Equal((1, string.Empty), (code, output));
        Assert.Equal($"{problem}\n\nUsage:\nvolume create <NEW-VOLNAME> [[replica <COUNT> [arbiter <COUNT>]]|[replica 2 thin-arbiter 1]] [disperse [<COUNT>]] [disperse-data <COUNT>] [redundancy <COUNT>] [transport <tcp|rdma|tcp,rdma>] <NEW-BRICK> <TA-BRICK>... [force]\n\n", error);
        Assert.Empty(_client.Calls);
    }

    [Theory]
    [InlineData("volume start", "volume start <VOLNAME> [force]")]
    [InlineData("volume start demo now", "volume start <VOLNAME> [force]")]
    [InlineData("volume stop", "volume stop <VOLNAME> [force]")]
    [InlineData("volume delete", "volume delete <VOLNAME>")]
    [InlineData("volume info a b", "volume info [all|<VOLNAME>]")]
    [InlineData("volume reset", "volume reset <VOLNAME> [option] [force]")]
    [InlineData("volume set demo key", "volume set <VOLNAME> group <GROUP>")]
    [InlineData("volume get demo", "volume get <VOLNAME|all> <key|all>")]
    [InlineData("peer status frob", "peer status")]
    [InlineData("peer probe", "peer probe { <HOSTNAME> | <IP-address> }")]
    [InlineData("peer detach a b", "peer detach { <HOSTNAME> | <IP-address> } [force]")]
    [InlineData("volume rebalance demo", "volume rebalance <VOLNAME> {{fix-layout start} | {start [force]|stop|status}}")]
    [InlineData("volume rebalance demo frob", "volume rebalance <VOLNAME> {{fix-layout start} | {start [force]|stop|status}}")]
    [InlineData("volume profile demo frob", "volume profile <VOLNAME> {start|info [peek|incremental [peek]|cumulative|clear]|stop} [nfs]")]
    [InlineData("volume profile demo info frob", "volume profile <VOLNAME> {start|info [peek|incremental [peek]|cumulative|clear]|stop} [nfs]")]
    [InlineData("volume log rotate demo", "volume log <VOLNAME> rotate [BRICK]")]
    [InlineData("volume clear-locks demo / kind all", "volume clear-locks <VOLNAME> <path> kind {blocked|granted|all}{inode [range]|entry [basename]|posix [range]}")]
    [InlineData("volume add-brick demo", "volume add-brick <VOLNAME> [<replica> <COUNT> [arbiter <COUNT>]] <NEW-BRICK> ... [force]")]
    public async Task MissingWordsShowTheGrammar(string line, string usage) =>
        Assert.Equal((1, string.Empty, $"\nUsage:\n{usage}\n\n"), await RunAsync(line));

    [Theory]
    [InlineData("volume frob", "unrecognized word: frob (position 1)\n")]
    [InlineData("frob", "unrecognized word: frob (position 0)\n")]
    [InlineData("volume", "unrecognized command\n")]
    public async Task UnknownWordsAreNamed(string line, string first)
    {
        var (code, output, error) = await RunAsync(line);
        Assert.Equal((1, string.Empty), (code, error)); // On the output stream, as GlusterFS.
        Assert.StartsWith(first, output);
    }

    [Theory]
    [InlineData("y\n", 0, "stop demo force=False")]
    [InlineData("what\nyes\n", 0, "stop demo force=False")]
    [InlineData("n\n", 0, null)]
    [InlineData("", 1, null)] // GlusterFS exits 0 here; an unattended stop that did not happen must not look done.
    public async Task StopAsksFirst(string answer, int code, string? call)
    {
        var result = await RunAsync("volume stop demo", answer);
        Assert.Equal(code, result.Code);
        Assert.StartsWith("Stopping volume will make its data inaccessible. Do you want to continue? (y/n) ", result.Output);
        Assert.Equal(call is null ? [] : [call], _client.Calls);
    }

    [Fact]
    public async Task GetPrintsAColumnEach()
    {
        _client.Options.Add(new OptionMessage("performance.write-behind", "off", IsDefault: false));
        _client.Options.Add(new OptionMessage("auth.reject", null, IsDefault: true));
        await ExpectAsync(
            "volume get demo all",
            """
            Option                                   Value                                  
            ------                                   -----                                  
            performance.write-behind                 off                                    
            auth.reject                              (null) (DEFAULT)                       

            """);
    }

    [Fact]
    public Task PoolListIsSeparatedByTabs() => ExpectAsync(
        "pool list",
        "UUID\t\t\t\t\tHostname \tState\nc348998a-f218-4ae1-872b-8c0ebf39dfe7\tlocalhost\tConnected \n");

    [Fact]
    public Task PeerStatusCountsTheOthers() => ExpectAsync("peer status", "Number of Peers: 0\n");

    [Fact]
    public Task SetHelpListsTheOptions() => ExpectAsync(
        "volume set help", "Option: auth.reject\nDefault Value: (null)\nDescription: Who may not.\n\n");

    [Theory]
    [InlineData("volume top demo read list-cnt 3", "top demo read (all) 3 0 0")]
    [InlineData("volume top demo read nfs", "top demo read (all) 0 0 0")]
    [InlineData("volume top demo write-perf bs 1024 count 2 brick h:/b1 list-cnt 1", "top demo write-perf h:/b1 1 1024 2")]
    [InlineData("volume profile demo info", "profile demo info peek=False cumulative=False incremental=False")]
    [InlineData("volume profile demo info incremental peek nfs", "profile demo info peek=True cumulative=False incremental=True")]
    [InlineData("volume profile demo info clear", "profile demo clear peek=False cumulative=False incremental=False")]
    [InlineData("volume status demo clients", "clients demo")]
    [InlineData("volume status demo client-list", "clients demo")]
    [InlineData("volume status demo mem", "internals demo mem")]
    [InlineData("volume rebalance demo stop", "rebalance demo stop force=False")]
    [InlineData("volume rebalance demo start force --json", "rebalance demo start force=True")]
    [InlineData("tasks", "tasks (all)")]
    [InlineData("volume get all all", "cluster-get (all)")]
    public async Task QuestionsReachTheDaemon(string line, string call)
    {
        Assert.Equal(0, (await RunAsync(line)).Code);
        Assert.Equal([call], _client.Calls);
    }

    [Theory]
    [InlineData("volume top demo frob")]
    [InlineData("volume top demo read list-cnt")]
    [InlineData("volume top demo read list-cnt x")]
    [InlineData("volume top demo read-perf bs 1024")]
    [InlineData("volume top demo")]
    [InlineData("volume status demo b1 more detail")]
    [InlineData("volume heal")]
    [InlineData("volume heal demo frob")]
    [InlineData("volume heal demo info frob")]
    [InlineData("volume sync")]
    [InlineData("get-state frob")]
    [InlineData("get-state odir")]
    public async Task WhatIsNoGrammarIsNotAsked(string line)
    {
        Assert.Equal(1, (await RunAsync(line)).Code);
        Assert.Empty(_client.Calls);
    }

    [Theory]
    [InlineData("volume heal demo enable", "volume heal: failed: the bricks heal each other by their journals: there is no 'enable' in this version\n")]
    [InlineData("volume heal demo statistics heal-count", "volume heal: failed: the bricks heal each other by their journals: there is no 'statistics' in this version\n")]
    [InlineData("volume quota demo enable", "volume quota: failed: there is no quota in this version\n")]
    [InlineData("snapshot create s demo", "snapshot create: failed: there are no snapshots in this version\n")]
    [InlineData("volume remove-brick demo h:/b1 start", "volume remove-brick: failed: bricks cannot be removed in this version\n")]
    public async Task WhatIsNotThereSaysSo(string line, string error) =>
        Assert.Equal((1, string.Empty, error), await RunAsync(line));

    [Fact]
    public async Task AnUnknownGroupIsAFileThatIsNotThere() => Assert.Equal(
        (1, string.Empty, "Unable to open file '/state/groups/nosuch'. Error: No such file or directory\n"),
        await RunAsync("volume set demo group nosuch"));

    [Theory]
    [InlineData("volume sync oracle1", "volume sync: failed: sync from localhost not allowed\n")]
    [InlineData("volume sync 10.99.99.9 all", "volume sync: failed: 10.99.99.9, is not a friend\n")]
    public async Task SyncHasNothingToDo(string line, string error) =>
        Assert.Equal((1, string.Empty, error), await RunAsync(line + " --mode=script"));

    [Fact]
    public async Task StatusOfOneBrickShowsOnlyIt()
    {
        Started("demo", Brick("b1", online: true, pid: 487), Brick("b2", online: true, pid: 488));
        var (code, output, _) = await RunAsync($"volume status demo 10.9.9.1:{Bricks}b2");
        Assert.Equal(0, code);
        Assert.Contains("b2 ", output);
        Assert.DoesNotContain("b1 ", output);
        Assert.DoesNotContain("Task Status", output);
        Assert.Equal((1, string.Empty, "No brick frob in volume demo\n"), await RunAsync("volume status demo frob"));
        Assert.Equal(
            (1, string.Empty, "Volume demo is not Self-heal compatible\n"), await RunAsync("volume status demo shd"));
    }

    [Fact]
    public async Task StatusShowsLongWork()
    {
        Started("demo", Brick("b1", online: true, pid: 487));
        _client.Statuses["demo"] = _client.Statuses["demo"] with
        {
            Tasks =
            [
                new TaskMessage(
                    "eb72d1a2-2f3c-4d0d-b1a1-9c77c72fb837", "fix-layout", "done", "demo", null,
                    new System.Collections.Generic.Dictionary<string, long>(), 0, 0, null),
            ],
        };
        await ExpectAsync(
            "volume status demo tasks",
            """
            Task Status of Volume demo
            ------------------------------------------------------------------------------
            Task                 : Rebalance           
            ID                   : eb72d1a2-2f3c-4d0d-b1a1-9c77c72fb837
            Status               : fix-layout completed
             

            """);
        await ExpectXmlAsync(
            "volume status demo tasks --xml",
            """
              <volStatus>
                <volumes>
                  <volume>
                    <volName>demo</volName>
                    <tasks>
                      <task>
                        <type>Rebalance</type>
                        <id>eb72d1a2-2f3c-4d0d-b1a1-9c77c72fb837</id>
                        <status>7</status>
                        <statusStr>fix-layout completed</statusStr>
                      </task>
                    </tasks>
                  </volume>
                </volumes>
              </volStatus>
            """);
    }

    [Fact]
    public async Task JsonIsWhatTheRestInterfaceSays()
    {
        _client.Volumes.Add(FakeClient.Volume("demo", "Started", "/b1"));
        var (_, output, _) = await RunAsync("volume list --json");
        var list = System.Text.Json.JsonSerializer.Deserialize(output, VolumeMessageJson.Default.VolumeListMessage)!;
        Assert.Equal("demo", Assert.Single(list.Volumes).Name);
        _client.Refusal = new CommandException(CommandFailure.Conflict, "because", "do this");
        var (code, problem, error) = await RunAsync("volume start demo --json");
        Assert.Equal((1, string.Empty), (code, error));
        Assert.Equal(
            new ProblemMessage("urn:myrmex:problem:conflict", "Not in this state", 409, "because", "do this"),
            System.Text.Json.JsonSerializer.Deserialize(problem, ProblemMessageJson.Default.ProblemMessage));
    }

    [Fact]
    public async Task EventsAreALineEach()
    {
        for (var seq = 1; seq <= 3; seq++)
        {
            _client.Events.Add(new Myrmex.Management.Cluster.ClusterEvent(
                seq, 1_000, "VOLUME_START", "demo", null,
                new System.Collections.Generic.Dictionary<string, string> { ["force"] = "no" }));
        }

        const string Tail = " 1970-01-01 00:00:01.000 VOLUME_START volume=demo force=no\n";
        await ExpectAsync("events", $"1{Tail}2{Tail}3{Tail}");
        await ExpectAsync("events --after 2", $"3{Tail}");
        Assert.Equal(
            (1, $"2{Tail}3{Tail}", "The daemon has ended the stream.\n"), await RunAsync("events --follow --after=1"));
        var (_, json, _) = await RunAsync("events --json --after 2");
        Assert.Equal(
            "{\"seq\":3,\"unixMs\":1000,\"type\":\"VOLUME_START\",\"volume\":\"demo\",\"node\":null,"
            + "\"data\":{\"force\":\"no\"}}\n", json);
    }

    [Fact]
    public async Task GetStateWritesAFileOfSections()
    {
        var directory = Directory.CreateTempSubdirectory("myrmex-state-").FullName;
        Started("demo", Brick("b1", online: true, pid: 487));
        await ExpectAsync(
            $"get-state glusterd odir {directory} file state detail", $"glusterd state dumped to {directory}/state\n");
        var text = await File.ReadAllTextAsync(Path.Combine(directory, "state"));
        Assert.StartsWith($"[Global]\nMYUUID: {FakeClient.Node}\nop-version: 100000\n\n[Global options]\n", text);
        Assert.Contains("Volume1.name: demo\n", text);
        Assert.Contains($"Volume1.Brick1.path: 10.9.9.1:{Bricks}b1\n", text);
        Assert.Contains("Volume1.Brick1.port: 60821\n", text);
        Directory.Delete(directory, recursive: true);
    }

    [Theory]
    [InlineData("system:: uuid get", 0, "UUID: c348998a-f218-4ae1-872b-8c0ebf39dfe7\n")]
    [InlineData("system:: getwd", 0, "/state\n")]
    [InlineData("system:: getspec demo", 0, "volume demo\nend-volume\n")]
    [InlineData("system:: getspec nosuch", 1, "")]
    [InlineData("--print-logdir", 0, "/state/log\n")]
    public async Task SystemCommandsAnswer(string line, int code, string output) =>
        Assert.Equal((code, output, string.Empty), await RunAsync(line));

    [Theory]
    [InlineData("volume help", "volume heal <VOLNAME>", "volume quota")]
    [InlineData("peer help", "pool list - ", "volume")]
    [InlineData("global help", "get-state", "volume")]
    public async Task HelpShowsWhatThereIs(string line, string has, string hasNot)
    {
        var (code, output, _) = await RunAsync(line);
        Assert.Equal(0, code);
        Assert.Contains(has, output);
        Assert.DoesNotContain("\n" + hasNot, output);
    }

    [Fact]
    public async Task TheListAtThePromptIsTheSameAsOnTheCommandLine()
    {
        _client.Volumes.Add(FakeClient.Volume("demo", "Started", "/b1"));
        var (code, output, _) = await RunAsync(string.Empty, "volume list\n\nexit\n");
        Assert.Equal((0, "gluster> demo\ngluster> gluster> "), (code, output));
    }

    [Fact]
    public async Task AnUnknownOptionIsRefused() =>
        Assert.Equal((1, string.Empty, "unrecognized option '--frob'\n"), await RunAsync("volume list --frob"));

    [Theory]
    [InlineData("a b", "a", "b")]
    [InlineData("  set x 'a b' \"c 'd'\" \"\" ", "set", "x", "a b", "c 'd'", "")]
    public void QuotesHoldWordsTogether(string line, params string[] words) => Assert.Equal(words, GlusterCli.Split(line));

    [Theory]
    [InlineData(0, "0.0Bytes")]
    [InlineData(1023, "1023.0Bytes")]
    [InlineData(12638253056, "11.8GB")]
    public void SizesAreShortForPeople(ulong bytes, string text) => Assert.Equal(text, CliText.Size(bytes));

    private static BrickStatusMessage Brick(string name, bool online, int pid) =>
        new("10.9.9.1", Bricks + name, FakeClient.Node, online, online ? 60821 : 0, pid, Detail: null);

    private void Started(string name, params BrickStatusMessage[] bricks)
    {
        var volume = FakeClient.Volume(name, "Started", [.. bricks.Select(b => b.Path)]);
        _client.Volumes.Add(volume);
        _client.Statuses.Add(name, new VolumeStatusMessage(name, volume.Id, bricks));
    }

    private async Task ExpectAsync(string line, string output) =>
        Assert.Equal((0, output, string.Empty), await RunAsync(line));

    private Task ExpectXmlAsync(string line, string body) => ExpectAsync(
        line,
        $"""
        <?xml version="1.0" encoding="UTF-8" standalone="yes"?>
        <cliOutput>
          <opRet>0</opRet>
          <opErrno>0</opErrno>
          <opErrstr/>
        {body}
        </cliOutput>

        """);

    private async Task<(int Code, string Output, string Error)> RunAsync(string line, string input = "")
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        using var answers = new StringReader(input);
        var cli = new GlusterCli(_ => _client, new CliTerminal(answers, output, error), "1.2.3");
        var code = await cli.RunAsync(line.Split(' ', StringSplitOptions.RemoveEmptyEntries));
        return (code, output.ToString(), error.ToString());
    }
}
