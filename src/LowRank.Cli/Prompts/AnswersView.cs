using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using LowRank.Cli.Terminal;
using LowRank.Models;
using LowRank.Models.Generation;

namespace LowRank.Cli.Prompts;

/// <summary>Generates after prompts and prints what comes.</summary>
internal sealed class AnswersView(Screen screen, LanguageModel model, PromptForm form, GenerationOptions options)
{
    private static readonly JsonSerializerOptions OneLine = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Prints one answer while it is generated.</summary>
    public async Task StreamAsync(string prompt, CancellationToken cancellation)
    {
        var pieces = form.IsChat(model) ? model.ChatAsync(form.Messages(prompt), options, cancellation) : model.GenerateAsync(prompt, options, cancellation);
        await foreach (var piece in pieces.ConfigureAwait(false)) Write(piece);
        screen.Out.WriteLine();
    }

    /// <summary>Answers all prompts in batches, the rows of a batch each with its own adapter where the model holds several, and prints each batch when it is done.</summary>
    public async Task AllAsync(IReadOnlyList<Prompt> prompts, int batch, bool json, CancellationToken cancellation)
    {
        int[][] ids = [.. prompts.Select(p => form.Encode(model, p.Text))];
        for (var start = 0; start < prompts.Count; start += batch)
        {
            var part = ids[start..Math.Min(prompts.Count, start + batch)];
            string?[] adapters = [.. prompts.Skip(start).Take(part.Length).Select(p => p.Adapter)];
            var answers = model.Adapters is null ? await model.GenerateBatchAsync(part, options, batch, cancellation: cancellation).ConfigureAwait(false)
                : await GenerationThread.Run(() => model.GenerateBatch(part, adapters, options, batch, cancellation: cancellation)).ConfigureAwait(false);
            for (var i = 0; i < part.Length; i++) Show(prompts[start + i], answers[i], json, isOnly: prompts.Count == 1);
            screen.Out.Flush();
        }
    }

    private void Show(Prompt prompt, GeneratedText answer, bool json, bool isOnly)
    {
        if (json)
        {
            var line = new JsonObject { ["prompt"] = prompt.Text, ["text"] = answer.Text, ["tokens"] = answer.Ids.Count, ["finish"] = JsonNamingPolicy.SnakeCaseLower.ConvertName(answer.Finish.ToString()) };
            if (model.Adapters is not null) line["adapter"] = prompt.Adapter;
            screen.Out.WriteLine(line.ToJsonString(OneLine));
            return;
        }
        if (!isOnly) screen.Out.WriteLine($"> {prompt.Text}{(model.Adapters is null ? "" : $"  [{prompt.Adapter ?? "base"}]")}");
        Write(answer.Text);
        screen.Out.WriteLine(isOnly ? "" : "\n");
    }

    // What goes into a file is what the model said; a terminal gets no control characters.
    private void Write(string text)
    {
        screen.Out.Write(screen.IsLive ? Printable.Of(text) : text);
        screen.Out.Flush();
    }
}
