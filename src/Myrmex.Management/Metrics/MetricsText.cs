using System;
using System.Collections.Generic;
using System.Globalization;
using System.Text;

namespace Myrmex.Management.Metrics;

/// <summary>
/// Builds a page of metrics: samples in any order, families in the order of <see cref="MetricTable"/>. Source:
/// Prometheus
/// text format 0.0.4.
/// </summary>
public sealed class MetricsText
{
    public const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    private readonly Dictionary<MetricDeclaration, StringBuilder> _families = [];

    /// <param name="labels">Values of the labels, as many as the metric declares.</param>
    public MetricsText Add(MetricDeclaration metric, double value, params ReadOnlySpan<string> labels) =>
        Add(metric, string.Empty, value, labels);

    /// <summary>Sum and count of a summary.</summary>
    public MetricsText AddSummary(
        MetricDeclaration metric, double sum, long count, params ReadOnlySpan<string> labels) =>
        Add(metric, "_sum", sum, labels).Add(metric, "_count", count, labels);

    public override string ToString()
    {
        var text = new StringBuilder();
        foreach (var metric in MetricTable.Everything)
        {
            if (_families.TryGetValue(metric, out var samples))
            {
                text.Append("# HELP ").Append(metric.Name).Append(' ').Append(metric.Help).Append('\n')
                    .Append("# TYPE ").Append(metric.Name).Append(' ').Append(metric.Type).Append('\n')
                    .Append(samples);
            }
        }

        return text.ToString();
    }

    private MetricsText Add(MetricDeclaration metric, string suffix, double value, ReadOnlySpan<string> labels)
    {
        if (!_families.TryGetValue(metric, out var samples))
        {
            _families.Add(metric, samples = new StringBuilder());
        }

        samples.Append(metric.Name).Append(suffix);
        var names = metric.Labels.Length == 0 ? [] : metric.Labels.Split(',');
        if (names.Length != labels.Length)
        {
            throw new ArgumentException($"{metric.Name} has the labels {metric.Labels}", nameof(labels));
        }

        for (var i = 0; i < names.Length; i++)
        {
            samples.Append(i == 0 ? '{' : ',').Append(names[i]).Append("=\"").Append(Escape(labels[i])).Append('"');
        }

        samples.Append(names.Length > 0 ? "} " : " ").Append(value.ToString("R", CultureInfo.InvariantCulture))
            .Append('\n');
        return this;
    }

    private static string Escape(string value) => value.Replace("\\", "\\\\", StringComparison.Ordinal)
        .Replace("\"", "\\\"", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);
}
