using System.Globalization;
using LowRank.Training.Settings;

namespace LowRank.Training.Comparison;

/// <summary>Makes the cells of a comparison: every combination of what varies, over the settings that all share.</summary>
internal static class ComparisonGrid
{
    /// <summary>What the learning rates of preferences are to those of answers, as in training.</summary>
    public const double PreferenceShare = 0.1;

    /// <summary>The cells, in the order in which their values were written.</summary>
    /// <exception cref="SettingsException">A key is not known, or a value is not of its kind; all of them are listed.</exception>
    /// <exception cref="LowRankException">What varies is not written as it should be.</exception>
    public static IReadOnlyList<ComparisonCell> Cells(ComparisonSettings settings)
    {
        var varied = VariedSetting.Parse(settings.Comparison.Vary);
        var grid = LearningRateGrid.Parse(settings.Comparison.LrGrid);
        var cells = new List<ComparisonCell>();
        var problems = new List<string>();
        foreach (var values in Combinations(varied))
        {
            try
            {
                var run = Apply(settings.ToRun(), values);
                // Rank and targets are nothing to full fine-tuning, and kinds of 4 bits to 16: of combinations that differ in nothing else one is left.
                var own = values.Where(v => !IsNothingTo(run.Adapter.Method, v.Key)).ToList();
                run = Plain(run, run.Adapter.Method);
                IReadOnlyList<double> rates = run.Optimization.LearningRate is { } given ? [given] : grid.For(run.Adapter.Method);
                if (run is { Objective.IsPreference: true, Optimization.LearningRate: null }) rates = [.. rates.Select(rate => rate * PreferenceShare)];
                run = run with { Optimization = run.Optimization with { LearningRate = null, Seed = settings.Optimization.Seed } };
                var cell = new ComparisonCell(string.Join(' ', own.Select(Label)), own.ToDictionary(StringComparer.Ordinal), run, rates);
                if (cells.All(c => c.Settings != run || !c.LearningRates.SequenceEqual(rates))) cells.Add(cell);
            }
            catch (SettingsException error)
            {
                problems.AddRange(error.Problems.Where(p => !problems.Contains(p)));
            }
        }
        return problems.Count > 0 ? throw new SettingsException(problems) : cells;
    }

    /// <summary>The settings for a method, those that are nothing to it at their defaults.</summary>
    public static TrainSettings Plain(TrainSettings settings, string method) =>
        SettingsBinder.Read(SettingsSchema<TrainSettings>.All.Where(s => IsNothingTo(method, s.Key)).Select(s => new SettingEntry(s.Key, Setting.Format(s.Default), s.Key)),
            settings with { Adapter = settings.Adapter with { Method = method } });

    private static bool IsNothingTo(string method, string key) => method switch
    {
        "full" => key == "plus" || (key != "method" && SettingsSchema<TrainSettings>.Find(key)?.Group == nameof(TrainSettings.Adapter)),
        "qlora" => false,
        _ => key.StartsWith("quant-", StringComparison.Ordinal) || key == "double-quant",
    };

    internal static TrainSettings Apply(TrainSettings settings, IReadOnlyList<KeyValuePair<string, string>> values)
    {
        // Where files go and how often a curve has a point is the comparison's.
        foreach (var (key, _) in values)
            if (SettingsSchema<TrainSettings>.Find(key)?.Group is nameof(TrainSettings.Output) or nameof(TrainSettings.Evaluation) or nameof(TrainSettings.Trackers) || key is "seed" or "model" or "data" or "validation" or "split-seed")
                throw new SettingsException([$"--vary {key}: this is the same for all cells"]);
        // LoRA+ is LoRA with a learning rate of its own for B; 16 times is what its paper proposes.
        values = [.. values.SelectMany(v => v is { Key: "variant", Value: "lora+" } ? (KeyValuePair<string, string>[])[new("variant", "lora"), new("plus", "16")] : [v])];
        // Alpha may be written in ranks, so it comes when the rank is known.
        settings = SettingsBinder.Read(values.Where(v => v.Key != "alpha").Select(v => new SettingEntry(v.Key, v.Key == "target" ? v.Value.Replace('+', ',') : v.Value, $"--vary {v.Key}")), settings);
        return SettingsBinder.Read(values.Where(v => v.Key == "alpha").Select(v => new SettingEntry(v.Key, Alpha(v.Value, settings.Adapter.Rank), $"--vary {v.Key}")), settings);
    }

    // r, 2r, r/2; anything else stays, for the binder to judge.
    private static string Alpha(string text, int rank)
    {
        var at = text.IndexOf('r', StringComparison.Ordinal);
        if (at < 0) return text;
        var (before, after) = (text[..at], text[(at + 1)..]);
        double? factor = before.Length == 0 ? 1 : Number(before), divisor = after.Length == 0 ? 1 : after[0] == '/' ? Number(after[1..]) : null;
        return factor is { } f && divisor is { } d and not 0 ? (f * rank / d).ToString(CultureInfo.InvariantCulture) : text;
    }

    private static double? Number(string text) => double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var value) ? value : null;

    private static string Label(KeyValuePair<string, string> value) => value.Key switch
    {
        "method" or "target" => value.Value,
        "rank" => $"r {value.Value}",
        var key => $"{key} {value.Value}",
    };

    internal static IEnumerable<List<KeyValuePair<string, string>>> Combinations(IReadOnlyList<VariedSetting> varied)
    {
        IEnumerable<List<KeyValuePair<string, string>>> all = [[]];
        foreach (var setting in varied) all = all.SelectMany(begun => setting.Values.Select(value => (List<KeyValuePair<string, string>>)[.. begun, KeyValuePair.Create(setting.Key, value)]));
        return all;
    }
}
