using Myrmex.Management.BrickAdmin;

namespace Myrmex.Unit.Tests.Management;

/// <summary>Short forms of reports.</summary>
internal static class BrickPlaces
{
    public static BrickReport<T> With<T>(this BrickPlace place, T value)
        where T : class => new(place, value, null);

    public static BrickReport<T> Failed<T>(this BrickPlace place, string problem)
        where T : class => new(place, null, problem);
}
