using System;
using System.Collections.Generic;
using System.Linq;
using Myrmex.Management.Etcd;
using Xunit;

namespace Myrmex.Unit.Tests.Management.Etcd;

/// <summary>
/// etcd's members and the nodes of a cluster, as far as the membership sees them. A member that is told to start starts at once.
/// Every step is checked: with a majority before there is one afterwards, and a step never costs a failure that could be borne
/// unless fewer voters are wanted.
/// </summary>
internal sealed class EtcdModel
{
    private readonly int _seed;
    private readonly Dictionary<ulong, long> _failedMs = [];
    private ulong _lastId = 100;
    private int _lastNode;

    public EtcdModel(int nodes, int seed = 0)
    {
        _seed = seed;
        for (var i = 0; i < nodes; i++)
        {
            AddNode();
        }

        Members.Add(new Member(++_lastId, "n1", new Uri("https://n1:24012"), IsLearner: false));
    }

    internal sealed record Member(ulong Id, string Name, Uri Peer, bool IsLearner);

    public List<ClusterNode> Nodes { get; } = [];

    public List<Member> Members { get; } = [];

    public List<EtcdReport> Reports { get; } = [];

    public EtcdDocument? Published { get; private set; }

    public bool StartsLearners { get; set; } = true;

    public List<Member> Voters => [.. Members.Where(m => !m.IsLearner)];

    private int Tolerance => Voters.Count(IsHealthy) - (Voters.Count / 2) - 1;

    public static string Name(int number) => $"n{number}";

    public void SetAlive(int number, bool alive)
    {
        var index = Nodes.FindIndex(n => n.Id == Name(number));
        Nodes[index] = Nodes[index] with { IsAlive = alive };
    }

    public void Fail(int number, long milliseconds) => Fail(Name(number), milliseconds);

    public void Fail(string name, long milliseconds) => _failedMs[Members.Single(m => m.Name == name).Id] = milliseconds;

    public EtcdMembershipInput Input() => new(
        [.. Nodes],
        [.. Members.Select(m => new EtcdMemberView(
            m.Id, m.Name, m.Peer, m.Name.Length == 0 ? null : new Uri($"https://{m.Peer.Host}:24011"), m.IsLearner, IsHealthy(m),
            IsHealthy(m) ? 0 : _failedMs.GetValueOrDefault(m.Id)))],
        Published, [.. Reports]);

    public EtcdMembershipAction Step()
    {
        Start();
        var before = Tolerance;
        var target = Math.Max(1, EtcdMembership.Target(Nodes.Count(n => n.WantsMember)));
        var action = EtcdMembership.Next(Input());
        Do(action);
        if (action is not (EtcdMembershipAction.Wait or EtcdMembershipAction.Publish))
        {
            Assert.True(before >= 0, $"seed {_seed}: {action} without a majority");
            Assert.True(Tolerance >= Math.Min(before, (target - 1) / 2), $"seed {_seed}: {action} from {before} to {Tolerance}");
            Assert.True(Members.Count(m => m.IsLearner) <= 1, $"seed {_seed}: two learners");
        }

        return action;
    }

    public void Settle(Action? afterEach = null, bool mayLoseMajority = false)
    {
        for (var steps = 0; steps < 200; steps++)
        {
            if (Step() is EtcdMembershipAction.Wait)
            {
                return;
            }

            afterEach?.Invoke();
        }

        Assert.Fail($"seed {_seed}: it goes on for ever ({mayLoseMajority})");
    }

    public void Disturb(Random random)
    {
        var node = Nodes.Count == 0 ? -1 : random.Next(Nodes.Count);
        switch (random.Next(11))
        {
            case 0 or 1 when Nodes.Count < 8:
                AddNode();
                break;
            case 2 when Nodes.Count > 1:
                Nodes.RemoveAt(node); // Its etcd goes on until it is told.
                break;
            case 3:
                Nodes[node] = Nodes[node] with { WantsMember = !Nodes[node].WantsMember };
                break;
            case 4:
                Nodes[node] = Nodes[node] with { IsAlive = !Nodes[node].IsAlive };
                break;
            case 5 or 6 when Tolerance > 0: // One failure more than can be borne would end every cluster.
                var victim = Voters.Where(IsHealthy).ElementAt(random.Next(Voters.Count(IsHealthy)));
                _failedMs[victim.Id] = random.Next(2) == 0 ? 1_000 : EtcdLimits.DeadMs;
                break;
            case 7:
                _failedMs.Clear();
                break;
            case 8 when Tolerance > 0:
                var lost = Voters.Where(IsHealthy).ElementAt(random.Next(Voters.Count(IsHealthy)));
                _failedMs[lost.Id] = 1_000;
                Reports.Add(new EtcdReport(lost.Name, EtcdTrouble.DataLost, EtcdDocumentMember.IdText(lost.Id), "gone"));
                break;
            case 9:
                StartsLearners = !StartsLearners;
                break;
            case 10:
                Reports.RemoveAll(r => r.Trouble == EtcdTrouble.CannotRun);
                Reports.Add(new EtcdReport(Nodes[node].Id, EtcdTrouble.CannotRun, "", "no program"));
                break;
        }

        // A member whose data is gone stays away whatever happens.
        foreach (var member in Members.Where(m => Reports.Any(r => r.MemberId == EtcdDocumentMember.IdText(m.Id))))
        {
            _failedMs.TryAdd(member.Id, 1_000);
        }
    }

    public void CalmDown()
    {
        StartsLearners = true;
        Reports.RemoveAll(r => r.Trouble == EtcdTrouble.CannotRun);
        for (var i = 0; i < Nodes.Count; i++)
        {
            Nodes[i] = Nodes[i] with { IsAlive = true };
        }

        foreach (var member in Members.Where(m => Reports.All(r => r.MemberId != EtcdDocumentMember.IdText(m.Id))))
        {
            _failedMs.Remove(member.Id);
        }
    }

    private bool IsHealthy(Member member) => member.Name.Length > 0 && !_failedMs.ContainsKey(member.Id);

    private void AddNode()
    {
        var number = ++_lastNode;
        Nodes.Add(new ClusterNode(Name(number), Name(number), number, IsAlive: true));
    }

    /// <summary>Nodes whose daemon runs start the member that is published for them.</summary>
    private void Start()
    {
        for (var i = 0; i < Members.Count; i++)
        {
            var node = Published?.Members.FirstOrDefault(m => m.Id == EtcdDocumentMember.IdText(Members[i].Id))?.Node;
            var runs = Nodes.Any(n => n.Id == node && n.IsAlive)
                && !Reports.Any(r => r.Node == node && r.Trouble == EtcdTrouble.CannotRun);
            if (StartsLearners && Members[i].Name.Length == 0 && runs)
            {
                Members[i] = Members[i] with { Name = node! };
            }
        }
    }

    private void Do(EtcdMembershipAction action)
    {
        switch (action)
        {
            case EtcdMembershipAction.Publish publish:
                Published = publish.Document;
                break;
            case EtcdMembershipAction.AddLearner add:
                Assert.DoesNotContain(Members, m => m.Peer == add.Node.PeerUrl);
                Members.Add(new Member(++_lastId, string.Empty, add.Node.PeerUrl, IsLearner: true));
                break;
            case EtcdMembershipAction.Promote promote:
                Change(promote.Member, m => m with { IsLearner = false });
                break;
            case EtcdMembershipAction.Remove remove:
                Assert.Equal(1, Members.RemoveAll(m => m.Id == remove.Member));
                break;
            case EtcdMembershipAction.Update update:
                Change(update.Member, m => m with { Peer = update.PeerUrl });
                break;
        }
    }

    private void Change(ulong id, Func<Member, Member> change)
    {
        var index = Members.FindIndex(m => m.Id == id);
        Members[index] = change(Members[index]);
    }
}
