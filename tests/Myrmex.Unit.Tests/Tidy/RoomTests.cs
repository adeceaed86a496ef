using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Xml.Linq;
using Xunit;

namespace Myrmex.Unit.Tests.Tidy;

/// <summary>The map of rooms in docs/architecture.md and the project references agree.</summary>
public sealed class RoomTests
{
    private const string Heading = "### src/";

    [Fact]
    public void EveryRoomOfTheTreeIsOnTheMapAndEveryRoomOnTheMapIsInTheTree()
    {
        var projects = Repository.Files
            .Where(f => f.StartsWith("src/", StringComparison.Ordinal) && f.EndsWith(".csproj", StringComparison.Ordinal))
            .Select(f => Path.GetDirectoryName(f)!.Replace('\\', '/'));
        Assert.Equal(RoomsInOrder().Order(StringComparer.Ordinal), projects.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void ARoomReferencesOnlyRoomsAboveItOnTheMap()
    {
        var rooms = RoomsInOrder();
        var wrong = new List<string>();
        foreach (var room in rooms)
        {
            foreach (var target in ReferencesOf(room))
            {
                var isBackward = rooms.IndexOf(target) < 0 || rooms.IndexOf(target) >= rooms.IndexOf(room);
                if (isBackward || (IsTranslators(room) && IsTranslators(target)))
                {
                    wrong.Add($"{room} must not reference {target}");
                }
            }
        }

        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    [Fact]
    public void RoomsOnThePathOfDataUseNoThirdPartyPackage()
    {
        var clean = RoomsInOrder().Where(r => IsTranslators(r) || r is "src/Myrmex.Base" or "src/Myrmex.Wire"
            or "src/Myrmex.Runtime" or "src/Myrmex.Graph" or "src/Myrmex.Rpc");
        Assert.All(clean, room => Assert.Empty(Project(room).Descendants("PackageReference")));
    }

    private static bool IsTranslators(string room) => room.StartsWith("src/Translators/", StringComparison.Ordinal);

    private static List<string> RoomsInOrder() =>
        [.. Repository.ReadLines("docs/architecture.md")
            .Where(line => line.StartsWith(Heading, StringComparison.Ordinal))
            .Select(line => line[4..].Trim())];

    private static IEnumerable<string> ReferencesOf(string room) =>
        Project(room).Descendants("ProjectReference")
            .Select(r => Path.GetFullPath(Path.Combine(Repository.Root, room, r.Attribute("Include")!.Value)))
            .Select(p => Path.GetRelativePath(Repository.Root, Path.GetDirectoryName(p)!).Replace('\\', '/'));

    private static XDocument Project(string room) =>
        XDocument.Load(Path.Combine(Repository.Root, room, Path.GetFileName(room) + ".csproj"));
}
