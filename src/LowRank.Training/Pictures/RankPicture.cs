using LowRank.Adapters;

namespace LowRank.Training.Pictures;

/// <summary>The map of an adapter's ranks as a picture: a row for each layer, a column for each module.</summary>
public static class RankPicture
{
    /// <summary>Draws a map.</summary>
    /// <param name="map">The ranks.</param>
    /// <param name="title">What stands above it.</param>
    /// <param name="layers">What the rows are called. Default <c>layer</c>.</param>
    public static MatrixChart Of(RankMap map, string title, string layers = "layer")
    {
        ArgumentNullException.ThrowIfNull(map);
        var values = new double[map.Layers.Count, map.Modules.Count];
        for (var i = 0; i < map.Layers.Count; i++)
            for (var j = 0; j < map.Modules.Count; j++) values[i, j] = map.Ranks[i, j] < 0 ? double.NaN : map.Ranks[i, j];
        return new MatrixChart { Title = title, YLabel = layers, Rows = [.. map.Layers.Select(l => l.Length == 0 ? "–" : l)], Columns = [.. map.Modules.Select(ShortName)], Values = values };
    }

    private static string ShortName(string module) => module[(module.LastIndexOf('.') + 1)..];
}
