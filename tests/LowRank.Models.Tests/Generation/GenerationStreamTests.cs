using LowRank.Models.Checkpoints;
using LowRank.Models.Generation;
using LowRank.Models.Templates;
using LowRank.Training.Tests;

namespace LowRank.Models.Tests.Generation;

/// <summary>Text that comes piece by piece from a thread of its own: order, cancellation, errors, chat sessions.</summary>
public sealed class GenerationStreamTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("lowrank-stream-").FullName;
    private readonly LanguageModel model;
    private static readonly GenerationOptions Long = new() { MaxNewTokens = 200, Temperature = 1, Seed = 4 };

    public GenerationStreamTests() => model = Load("model");

    private LanguageModel Load(string name) => ModelLoader.Load(TinyModel.Create(Path.Combine(folder, name)), new ModelLoadOptions());

    private static async Task<List<string>> Read(IAsyncEnumerable<string> pieces)
    {
        var read = new List<string>();
        await foreach (var piece in pieces) read.Add(piece);
        return read;
    }

    [Fact]
    public async Task The_pieces_join_to_the_text_of_the_whole()
    {
        var prompt = "Which colour has number 7?";
        var pieces = await Read(model.GenerateAsync(prompt, Long, TestContext.Current.CancellationToken));
        Assert.True(pieces.Count > 5);
        Assert.DoesNotContain("", pieces);
        var ids = model.Tokenizer.Encode(prompt, addSpecialTokens: true);
        Assert.Equal(model.GenerateBatch([ids], Long)[0].Text, string.Concat(pieces));
    }

    [Fact]
    public async Task A_chat_is_the_rendered_conversation()
    {
        ChatMessage[] messages = [new("user", "blue?"), new("assistant", "no"), new("user", "red?")];
        Assert.Equal("<|user|>blue?<|end|>\n<|assistant|>no<|end|>\n<|user|>red?<|end|>\n<|assistant|>", model.Tokenizer.Decode(model.EncodeChat(messages)));
        var pieces = await Read(model.ChatAsync(messages, Long, TestContext.Current.CancellationToken));
        Assert.Equal(model.GenerateBatch([model.EncodeChat(messages)], Long)[0].Text, string.Concat(pieces));
    }

    [Fact]
    public async Task Cancellation_reaches_the_reader_within_a_token()
    {
        using var stop = new CancellationTokenSource();
        var read = 0;
        var error = await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (var _ in model.GenerateAsync("red", Long with { StopTexts = ["never"] }, stop.Token))
                if (++read == 3) await stop.CancelAsync();
        });
        Assert.Equal(stop.Token, error.CancellationToken);
        // The thread is no longer on the model: it can be used again.
        Assert.Equal(2, model.GenerateBatch([[5]], new GenerationOptions { MaxNewTokens = 2, RepetitionPenalty = 3 })[0].Ids.Count);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Read(model.GenerateAsync("red", Long, new CancellationToken(canceled: true))));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => model.GenerateBatchAsync([[5]], Long, cancellation: new CancellationToken(canceled: true)));
    }

    [Fact]
    public async Task A_slow_reader_gets_every_piece()
    {
        var all = await Read(model.GenerateAsync("green", Long, TestContext.Current.CancellationToken));
        var slow = new List<string>();
        await foreach (var piece in model.GenerateAsync("green", Long, TestContext.Current.CancellationToken))
        {
            await Task.Delay(1, TestContext.Current.CancellationToken);
            slow.Add(piece);
        }
        Assert.Equal(all, slow);
    }

    [Fact]
    public async Task Errors_reach_the_reader()
    {
        var tooLong = string.Concat(Enumerable.Repeat("colour ", 400));
        await Assert.ThrowsAsync<GenerationException>(() => Read(model.GenerateAsync(tooLong)));
        await Assert.ThrowsAsync<GenerationException>(() => Read(model.GenerateAsync("red", new GenerationOptions { TopP = 2 })));
    }

    [Fact]
    public async Task A_model_without_template_says_that_it_cannot_chat()
    {
        var path = TinyModel.Create(Path.Combine(folder, "plain"));
        File.Delete(Path.Combine(path, "tokenizer_config.json"));
        using var plain = ModelLoader.Load(path, new ModelLoadOptions());
        Assert.Contains("has no chat template", (await Assert.ThrowsAsync<GenerationException>(() => Read(plain.ChatAsync([new("user", "red?")])))).Message);
        Assert.Contains("has no chat template", Assert.Throws<GenerationException>(() => new ChatSession(plain)).Message);
        Assert.NotEmpty(await Read(plain.GenerateAsync("red", Long)));
    }

    [Fact]
    public async Task A_session_answers_as_the_whole_conversation_would_and_reuses_its_cache()
    {
        var options = new GenerationOptions { MaxNewTokens = 12, RepetitionPenalty = 1.3 };
        using var session = new ChatSession(model, options, system: "Answer in colours.");
        for (var turn = 0; turn < 4; turn++)
        {
            ChatMessage[] asked = [.. session.Messages, new("user", $"And number {turn}?")];
            var answer = string.Concat(await Read(session.SendAsync($"And number {turn}?", TestContext.Current.CancellationToken)));
            var whole = model.GenerateBatch([model.EncodeChat(asked)], options)[0];
            Assert.Equal(whole.Text, answer);
            Assert.Equal(2 * turn + 3, session.Messages.Count);
            Assert.Equal(answer, session.Messages[^1].Content);
            if (turn > 0) Assert.InRange(session.ReusedTokens, 10 * turn, model.EncodeChat(asked).Length - 1);
        }
    }

    [Fact]
    public async Task A_turn_that_is_cut_off_keeps_what_was_said()
    {
        using var session = new ChatSession(model, Long);
        using var stop = new CancellationTokenSource();
        var said = "";
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (var piece in session.SendAsync("red?", stop.Token))
            {
                said += piece;
                if (said.Length > 5) await stop.CancelAsync();
            }
        });
        Assert.Equal([("user", "red?"), ("assistant", said)], session.Messages.Select(m => (m.Role, (string)m.Content!)));
        session.Options = new GenerationOptions { MaxNewTokens = 8, RepetitionPenalty = 1.3 };
        ChatMessage[] asked = [.. session.Messages, new("user", "blue?")];
        var next = string.Concat(await Read(session.SendAsync("blue?", TestContext.Current.CancellationToken)));
        Assert.Equal(model.GenerateBatch([model.EncodeChat(asked)], session.Options)[0].Text, next);

        var count = session.Messages.Count;
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Read(session.SendAsync("green?", new CancellationToken(canceled: true))));
        Assert.Equal(count, session.Messages.Count);
    }

    public void Dispose()
    {
        model.Dispose();
        Directory.Delete(folder, recursive: true);
    }
}
