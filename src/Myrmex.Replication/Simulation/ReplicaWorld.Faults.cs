using System;
using System.Linq;
using Myrmex.Replication.Engine;

namespace Myrmex.Replication.Simulation;

// What goes wrong, and commands of an operator in between.
internal sealed partial class ReplicaWorld
{
    private void Fault()
    {
        if (_now >= _options.FaultMs * 1000)
        {
            EndFaults();
            return;
        }

        var every = _options.FaultEveryMs * 1000;
        _queue.Add(_now + _random.Between(every / 4, every * 7 / 4), SimEventKind.Fault, 0);
        var node = Victim();
        switch (_random.Below(100))
        {
            case < 8:
                Coup();
                break;
            case < 18:
                Kill(node, losesPower: false);
                break;
            case < 26:
                Kill(node, losesPower: true);
                break;
            case < 36:
                Pause(node);
                break;
            case < 58:
                Partition(node);
                break;
            case < 63:
                _roughUntilUs = _now + _random.Between(50_000, 1_500_000);
                Trace("the network is rough");
                break;
            case < 74:
                HurtDisk(node);
                break;
            case < 85:
                HurtStore(node);
                break;
            case < 90:
                node.Engine?.TransferLead(++_tag, _nodes[_random.Below(_nodes.Count)].Id, node.ClockMs(_now));
                AfterIfUp(node);
                break;
            case < 92:
                foreach (var each in _nodes)
                {
                    Kill(each, losesPower: _random.Chance(0.8));
                }

                break;
            default:
                ChangeMembers();
                break;
        }
    }

    /// <summary>The leader more often than the others.</summary>
    private WorldNode Victim()
    {
        var leader = _nodes.Find(n => n.Engine?.Role == ReplicaRole.Active);
        return leader is not null && _random.Chance(0.6) ? leader : _nodes[_random.Below(_nodes.Count)];
    }

    /// <summary>
    /// The leader hears nobody and its lease is gone, while it believes to lead; some of the others start again.
    /// </summary>
    private void Coup()
    {
        var leader = _nodes.Find(n => n.Engine is { IsServing: true });
        if (leader is null)
        {
            return;
        }

        var until = _now + _random.Between(200_000, 1_500_000);
        Depose(leader, until);
        foreach (var node in _nodes)
        {
            if (node != leader && node.IsUp && _random.Chance(0.25))
            {
                Stop(node, losesPower: _random.Chance(0.3));
                _queue.Add(_now + _random.Between(2_000, 40_000), SimEventKind.Restart, node.Number);
            }
        }
    }

    private void Depose(WorldNode leader, long until)
    {
        Trace($"{leader.Number} is deposed without its knowledge until {until / 1000}");
        foreach (var other in _nodes)
        {
            _cuts[(leader.Number, other.Number)] = until;
            _cuts[(other.Number, leader.Number)] = until;
        }

        leader.StoreCutUntilUs = until;
        if (_store.Revoke(leader.Lease))
        {
            TellWatchers();
        }
    }

    private void AfterIfUp(WorldNode node)
    {
        if (node.IsUp)
        {
            After(node);
        }
    }

    private void Kill(WorldNode node, bool losesPower)
    {
        Stop(node, losesPower);
        _queue.Add(
            _now + (_random.Chance(0.5) ? _random.Between(5_000, 100_000) : _random.Between(100_000, 1_500_000)),
            SimEventKind.Restart, node.Number);
    }

    private void Pause(WorldNode node)
    {
        var isLong = _options.LongPauses && _random.Chance(0.2);
        node.PausedUntilUs = _now + (isLong ? HourUs
            : _random.Chance(0.5) ? _random.Between(10_000, 300_000) : _random.Between(300_000, 4_000_000));
        Trace($"{node.Number} stands still until {node.PausedUntilUs / 1000}");
    }

    private void Partition(WorldNode node)
    {
        var until = _now + (_random.Chance(0.5) ? _random.Between(20_000, 400_000)
            : _random.Between(400_000, 2_500_000));
        var kind = _random.Below(4); // 0 both ways, 1 out, 2 in, 3 one pair.
        foreach (var other in _nodes)
        {
            if (other == node || (kind == 3 && _random.Chance(0.6)))
            {
                continue;
            }

            if (kind != 2)
            {
                _cuts[(node.Number, other.Number)] = until;
            }

            if (kind != 1)
            {
                _cuts[(other.Number, node.Number)] = until;
            }
        }

        if (_random.Chance(0.25))
        {
            node.StoreCutUntilUs = until;
        }

        Trace($"{node.Number} is cut off (kind {kind}) until {until / 1000}");
    }

    private void HurtDisk(WorldNode node)
    {
        var until = _now + _random.Between(100_000, 3_000_000);
        switch (_random.Below(5))
        {
            case 0:
                node.HangUntilUs = node.StoreHangUntilUs = until;
                break;
            case 3:
                node.OutOfRoomUntilUs = node.StoreHangUntilUs = until;
                break;
            case 1:
                node.SlowUntilUs = until;
                break;
            case 2:
                node.FullUntilUs = until;
                break;
            default:
                node.FailsNextSync = true;
                break;
        }

        Trace($"the disk of {node.Number} is bad until {until / 1000}: hang {node.HangUntilUs == until}, slow "
            + $"{node.SlowUntilUs == until}, full {node.FullUntilUs == until}, "
            + $"no room {node.OutOfRoomUntilUs == until}, fails {node.FailsNextSync}");
    }

    private void HurtStore(WorldNode node)
    {
        switch (_random.Below(5))
        {
            case 0:
                _storeDownUntilUs = _now + _random.Between(50_000, 1_500_000);
                Trace("the store is away");
                break;
            case 1:
                node.StoreCutUntilUs = _now + _random.Between(50_000, 2_500_000);
                Trace($"{node.Number} has no store");
                break;
            case 2:
                _lostAnswers = _random.Chance(0.5) ? 0 : 0.5;
                break;
            case 3:
                _watchDelayUs = _random.Chance(0.5) ? 20_000 : 1_000_000;
                break;
            default:
                Trace($"the lease of {node.Number} is revoked");
                if (_store.Revoke(node.Lease))
                {
                    TellWatchers();
                }

                break;
        }
    }

    private void ChangeMembers()
    {
        var leader = _nodes.Find(n => n.Engine is { IsServing: true });
        if (!_options.ChangesMembers || leader?.Engine is not { Configuration: { Pending: null } now } engine)
        {
            return;
        }

        var members = now.Members.ToList();
        var outside = _nodes.Where(n => !now.Set.Contains(n.Id)).ToList();
        if (_random.Chance(0.5) && outside.Count > 0 && members.Count < 5)
        {
            var joining = outside[_random.Below(outside.Count)];
            Format(joining);
            members.Add(MemberOf(joining));
        }
        else if (members.Count > 1)
        {
            members.RemoveAt(_random.Below(members.Count));
        }

        var write = Math.Max(
            (int)_random.Between((members.Count / 2) + 1, members.Count), members.Count(m => m.IsWitness) + 1);
        Trace($"change of members to {string.Join(",", members.Select(m => m.Id))}, W {write}");
        engine.ChangeMembers(++_tag, Sized(members, write, now.Epoch + 1), leader.ClockMs(_now));
        After(leader);
    }

    /// <summary>A node that is no member any more gets an empty disk: it is somebody else from now on.</summary>
    private void Format(WorldNode node)
    {
        if (_store.State.Configuration is not { } configuration || configuration.AllMembers.Contains(node.Id))
        {
            return;
        }

        Stop(node, losesPower: true);
        node.Incarnation += 100;
        node.Boot = 0;
        node.Superblock = new Superblock(Term.None, MemberStatus.Learner, node.Incarnation, 0);
        node.Journal.Clear();
        node.JournalBase = JournalIndex.None;
        node.JournalBaseTerm = Term.None;
        node.JournalBaseChain = default;
        node.Checkpoint = WorldCheckpoint.Empty;
        node.IsStoreLost = false;
        node.ClaimedPromise = Term.None;
        node.MayHaveLostEntries = false;
        node.IsStoreAhead = false;
        Start(node);
    }

    private void EndFaults()
    {
        Trace("no more faults");
        _cuts.Clear();
        _loss = 0;
        _duplicates = 0;
        _roughUntilUs = 0;
        _storeDownUntilUs = 0;
        _lostAnswers = 0;
        _watchDelayUs = 20_000;
        foreach (var node in _nodes)
        {
            node.StoreCutUntilUs = 0;
            node.HangUntilUs = 0;
            node.StoreHangUntilUs = 0;
            node.OutOfRoomUntilUs = 0;
            TakeHeld(node);
            node.SlowUntilUs = 0;
            node.FullUntilUs = 0;
            node.FailsNextSync = false;
            if (!node.IsUp)
            {
                Start(node);
            }
        }

        // Watches that were lost or are late say again what there is.
        TellWatchers();
    }
}
