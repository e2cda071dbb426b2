using System.Diagnostics;
using System.Text.Json.Nodes;
using LowRank.Models.Checkpoints;
using LowRank.Models.Templates;
using LowRank.Models.Tokenization;
using LowRank.Testing;
using LowRank.Training.Data;
using LowRank.Training.Data.Rows;
using LowRank.Training.Data.Tokens;
using LowRank.Training.Packing;
using LowRank.Training.Tests.Objectives;

namespace LowRank.Training.Tests.Data;

/// <summary>Tokens on disk: the same as in memory, kept from one run to the next, made again where they are damaged.</summary>
public sealed class TokenFileTests : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly ModelText text;
    private readonly ExampleBuilder builder;
    private readonly string path;
    private readonly List<string> told = [];

    public TokenFileTests()
    {
        text = ModelText.Load(TinyModel.Create(folder.At("model")), null, TestContext.Current.CancellationToken);
        builder = Builder(40);
        // Rows of several lengths, some of them cut, one of which loses all there is to learn.
        path = folder.Write("rows.jsonl", string.Concat(Enumerable.Range(0, 2500).Select(i => new JsonObject
        {
            ["messages"] = new JsonArray(
                new JsonObject { ["role"] = "user", ["content"] = i == 7 ? string.Concat(Enumerable.Range(0, 200).Select(c => (char)('a' + c * 7 % 26))) : $"Question {i}?" },
                new JsonObject { ["role"] = "assistant", ["content"] = string.Concat(Enumerable.Repeat($"word{i % 13} ", 1 + i % 11)).TrimEnd() }),
        }.ToJsonString() + "\n")));
    }

    private ExampleBuilder Builder(int maxLength) => new(text.Tokenizer, text.ChatTemplate, text.TokenizerConfig.EosToken, new ExampleOptions { MaxLength = maxLength });

    private TokenCache Cache() => new(folder.At("cache")) { Smallest = 0 };

    private RunTokens Tokens(TokenCache cache, ExampleBuilder? with = null) => new(cache, text, with ?? builder, told.Add);

    private static string[] Contents(ExampleSet set) => [.. set.Examples.Select(e => $"{string.Join(',', e.InputIds.ToArray())} {string.Join(',', e.Supervised.ToArray())} {e.LostTokens} {e.LostSupervisedTokens} {e.SupervisedTokens} {e.Row!.Place}")];

    [Theory]
    [InlineData(null, 0), InlineData("0.1", 0), InlineData("0.1", long.MaxValue)]
    public void Examples_of_a_file_are_those_of_memory(string? validation, long inMemoryBytes)
    {
        var token = TestContext.Current.CancellationToken;
        var kept = ValidationSplit.Parse(Dataset.Load(path), validation, 3);
        var streamed = ValidationSplit.Parse(Dataset.Load(path, new DatasetOptions { InMemoryBytes = inMemoryBytes }), validation, 3);
        var want = (Training: builder.Build(kept.Training, token), Held: kept.Validation.Count == 0 ? null : builder.Build(kept.Validation, token));
        using var tokens = Tokens(inMemoryBytes == 0 ? new TokenCache(null) : Cache());
        var got = tokens.Build(streamed, token);
        Assert.IsType<StoredExamples>(got.Training.Examples);
        Assert.Equal(Contents(want.Training), Contents(got.Training));
        Assert.Equal(want.Training.Truncation.ToString(), got.Training.Truncation.ToString());
        Assert.NotEmpty(want.Training.Truncation.Dropped.Concat(want.Held?.Truncation.Dropped ?? []));
        Assert.Equal(want.Held is null ? null : Contents(want.Held), got.Held is null ? null : Contents(got.Held));
        // Batches, and the position that a resumed run compares, are the same bytes.
        var options = new BatchOptions { BatchSize = 4, Layout = BatchLayout.Packed, RowLength = 64, Seed = 9 };
        var (first, second) = (new EpochSampler(want.Training.Examples, options), new EpochSampler(got.Training.Examples, options));
        Assert.Equal(first.Cursor, second.Cursor);
        for (var i = 0; i < 20; i++) Assert.Equal(first.Next().InputIds, second.Next().InputIds);
    }

    [Fact]
    public void The_bytes_do_not_depend_on_the_number_of_threads()
    {
        var rows = Dataset.Load(path).Rows;
        RowTokenizer.Write(rows, rows.Count, builder, folder.At("one"), threads: 1, cancellation: TestContext.Current.CancellationToken);
        RowTokenizer.Write(rows, rows.Count, builder, folder.At("four"), threads: 4, cancellation: TestContext.Current.CancellationToken);
        Assert.Equal(File.ReadAllBytes(folder.At("one")), File.ReadAllBytes(folder.At("four")));
    }

    [Fact]
    public void A_second_run_takes_what_the_first_wrote_and_anything_else_is_another_file()
    {
        var first = Build(Cache());
        Assert.Single(Files());
        Assert.Empty(told);
        Assert.Equal(first, Build(Cache()));
        Assert.Contains("2500 rows are tokenized already", Assert.Single(told), StringComparison.Ordinal);
        Build(Cache(), Builder(41));
        Assert.Equal(2, Files().Length);
        File.AppendAllText(path, File.ReadLines(path).First() + "\n");
        Assert.Equal(2501 - 1, Build(Cache()).Length);
        Assert.Equal(3, Files().Length);
    }

    [Fact]
    public void Long_texts_become_the_pieces_of_memory()
    {
        var token = TestContext.Current.CancellationToken;
        var texts = Dataset.Load(folder.Write("texts.jsonl", string.Concat(Enumerable.Range(0, 30).Select(i => new JsonObject { ["text"] = string.Join(' ', Enumerable.Range(0, 1 + i * 3 % 40).Select(w => $"word{w}")) }.ToJsonString() + "\n")))).Rows;
        foreach (var length in (int[])[2, 17, 40])
        {
            using var tokens = Tokens(Cache(), Builder(length));
            var (want, got) = (Builder(length).Build(texts, token), tokens.Build(new ValidationSplit(texts, []), token).Training);
            Assert.IsType<StoredExamples>(got.Examples);
            Assert.Equal(Contents(want), Contents(got));
            Assert.True(want.SplitTexts > 0);
            Assert.Equal((want.SplitTexts, want.Truncation.ToString()), (got.SplitTexts, got.Truncation.ToString()));
        }
        Assert.Equal(3, Files().Length);
    }

    [Theory]
    [InlineData("pairs", false), InlineData("pairs", true), InlineData("judged", true), InlineData("both", true)]
    public void Pairs_and_judged_answers_are_those_of_memory(string kind, bool judges)
    {
        var token = TestContext.Current.CancellationToken;
        var (pairs, judged) = (PreferenceData.Create(folder.At("pairs.jsonl")), JudgedData.Create(folder.At("judged.jsonl")));
        var rows = DataSource.Load(kind switch { "pairs" => pairs, "judged" => judged, _ => $"{pairs},{judged}" }).Rows;
        // So short that some answers are cut, and some lose all.
        foreach (var length in (int[])[2048, 58, 52])
        {
            ExampleBuilder Made() => new(text.Tokenizer, text.ChatTemplate, text.TokenizerConfig.EosToken, new ExampleOptions { Preferences = !judges, Judged = judges, MaxLength = length });
            var split = ValidationSplit.ByCount(rows, 5, 3);
            using var tokens = Tokens(Cache(), Made());
            var (got, held) = tokens.Build(split, token);
            var (want, wantHeld) = (Made().Build(split.Training, token), Made().Build(split.Validation, token));
            Assert.IsType<StoredExamples>(got.Examples);
            Assert.Equal(Both(want), Both(got));
            Assert.Equal(Both(wantHeld), Both(held!));
            Assert.Equal(want.Truncation.ToString(), got.Truncation.ToString());
            Assert.Equal(want.Truncation.Dropped, got.Truncation.Dropped);
            Assert.Equal(new EpochSampler(want.Examples, new BatchOptions()).Cursor, new EpochSampler(got.Examples, new BatchOptions()).Cursor);
            if (judges) Assert.All(got.Examples, e => Assert.NotNull(e.IsGood));
            else Assert.All(got.Examples, e => Assert.NotNull(e.Rejected));
        }
        Assert.Equal(3, Files().Length);
        using var answers = Tokens(Cache());
        Assert.Contains("--objective", Assert.Throws<DatasetException>(() => answers.Build(new ValidationSplit(rows, []), token)).Message, StringComparison.Ordinal);
        Assert.Equal(3, Files().Length);
        static string[] Both(ExampleSet set) => [.. Contents(set).Zip(set.Examples, (contents, e) => $"{contents} {e.IsGood} {(e.Rejected is { } r ? $"{string.Join(',', r.InputIds.ToArray())} {string.Join(',', r.Supervised.ToArray())} {r.LostTokens} {r.SupervisedTokens}" : "")}")];
    }

    [Theory]
    [InlineData(0), InlineData(20), InlineData(70), InlineData(5000), InlineData(-10), InlineData(-70_000), InlineData(int.MinValue)]
    public void A_damaged_file_is_made_again(int at)
    {
        var want = Build(Cache());
        var file = Assert.Single(Files());
        var sound = File.ReadAllBytes(file);
        var damaged = at == int.MinValue ? sound[..^1] : sound.ToArray();
        if (at != int.MinValue) damaged[at < 0 ? damaged.Length + at : at] ^= 1;
        File.WriteAllBytes(file, damaged);
        Assert.Equal(want, Build(Cache()));
        Assert.Contains("is damaged and is made again", Assert.Single(told), StringComparison.Ordinal);
        Assert.Equal(sound, File.ReadAllBytes(file));
    }

    [Fact]
    public void Runs_at_the_same_time_make_it_once()
    {
        var rows = (RowList)Dataset.Load(path).Rows;
        var files = new TokenFile?[8];
        Parallel.For(0, files.Length, new ParallelOptions { MaxDegreeOfParallelism = files.Length }, i => files[i] = Cache().Open(rows, rows.Count, builder, text.Identity, null, TestContext.Current.CancellationToken));
        Assert.All(files, f => Assert.Equal(files[0]!.Ids(2499).ToArray(), f!.Ids(2499).ToArray()));
        Assert.Single(Files());
        Assert.Empty(Directory.GetFiles(folder.At("cache"), "*.partial", new EnumerationOptions { AttributesToSkip = 0 }));
        foreach (var file in files) file!.Dispose();
    }

    [Fact]
    public void Places_of_rows_are_kept_too_and_a_changed_or_damaged_file_is_read_again()
    {
        var options = new DatasetOptions { InMemoryBytes = 0, IndexFolder = folder.At("cache"), OnBadRow = BadRows.Skip };
        File.AppendAllText(path, "{\"messages\": [{\"role\": \"user\", \"content\": \"no answer\"}]}\n{\"messages\": 1}\n");
        string[] Texts(Dataset data) => [.. data.Rows.Select(r => $"{r.Place} {r.Number} {r.Messages!.Value.GetRawText()} {r.NothingToLearn}"), .. data.Problems.Select(p => p.ToString()), $"{data.SkippedRows}"];
        var want = Texts(Dataset.Load(path, options with { IndexFolder = null }));
        Assert.Equal(want, Texts(Dataset.Load(path, options)));
        var index = Assert.Single(Directory.GetFiles(folder.At("cache"), "*.rows"));
        Assert.Equal(want, Texts(Dataset.Load(path, options)));
        Assert.Equal((1, 1, 2501), (Dataset.Load(path, options).SkippedRows, ((RowList)Dataset.Load(path, options).Rows).NothingToLearn.Count, Dataset.Load(path, options).Rows.Count));
        var bytes = File.ReadAllBytes(index);
        bytes[bytes.Length / 2] ^= 4;
        File.WriteAllBytes(index, bytes);
        Assert.Equal(want, Texts(Dataset.Load(path, options)));
        bytes[bytes.Length / 2] ^= 4;
        Assert.Equal(bytes, File.ReadAllBytes(index));
        File.AppendAllText(path, File.ReadLines(path).First() + "\n");
        Assert.Equal(2502, Dataset.Load(path, options).Rows.Count);
        Assert.Equal(2, Directory.GetFiles(folder.At("cache"), "*", new EnumerationOptions { AttributesToSkip = 0 }).Length);
    }

    [Fact]
    public void Faults_of_rows_are_told_and_nothing_is_kept()
    {
        var bad = folder.Write("ids.jsonl", "{\"input_ids\": [1, 2]}\n{\"input_ids\": [1, 99999]}\n");
        var split = ValidationSplit.Parse(Dataset.Load(bad), null);
        using var tokens = Tokens(Cache());
        var fault = Assert.Throws<DatasetException>(() => tokens.Build(split, TestContext.Current.CancellationToken));
        Assert.Equal((2, ProblemSeverity.Error), (Assert.Single(fault.Problems).Line, fault.Problems[0].Severity));
        Assert.Empty(Files());
        using var skipping = new RunTokens(Cache(), text, new ExampleBuilder(text.Tokenizer, text.ChatTemplate, null, new ExampleOptions { SkipBadRows = true }), null);
        var (training, _) = skipping.Build(split, TestContext.Current.CancellationToken);
        Assert.Single(training.Examples);
        Assert.EndsWith("the row is left out", Assert.Single(training.Warnings).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_that_cannot_be_written_does_not_stop_a_run()
    {
        folder.Write("file", "");
        using var tokens = Tokens(new TokenCache(folder.At("file/cache")) { Smallest = 0 });
        Assert.Equal(2499, tokens.Build(ValidationSplit.Parse(Dataset.Load(path), null), TestContext.Current.CancellationToken).Training.Examples.Count);
        Assert.Contains("Tokens are not kept", Assert.Single(told), StringComparison.Ordinal);
    }

    // LOWRANK_SPEED=1, alone on the machine: two threads must be 1.7 times as fast as one, the best of three tries of each. Real rows, and a real tokenizer and template.
    [Fact]
    public void Two_threads_tokenize_nearly_twice_as_fast_as_one()
    {
        Assert.SkipUnless(Environment.GetEnvironmentVariable("LOWRANK_SPEED") == "1", "measures speed: set LOWRANK_SPEED=1 on a quiet machine");
        Assert.SkipWhen(Environment.ProcessorCount < 2, "one processor");
        var tokenizers = Golden.At("tokenizers", "smollm2");
        Assert.SkipUnless(Directory.Exists(tokenizers), $"absent: {tokenizers}");
        var rows = Dataset.Load(RealData.Require("gsm8k/train.jsonl"), new DatasetOptions { InMemoryBytes = 0 }).Rows;
        var real = new ExampleBuilder(Tokenizer.Load(tokenizers), new ChatTemplate(File.ReadAllText(Path.Combine(tokenizers, "chat_template.jinja"))));
        double Seconds(int threads)
        {
            var clock = Stopwatch.StartNew();
            RowTokenizer.Write(rows, rows.Count, real, folder.At("speed"), threads, cancellation: TestContext.Current.CancellationToken);
            return clock.Elapsed.TotalSeconds;
        }
        // Until its methods are compiled for good, the runtime has work of its own for the second core.
        for (var i = 0; i < 6; i++) Seconds(2);
        // The median over pairs that follow each other: cores that are shared with other machines change their speed by a half within a second.
        (double One, double Two)[] pairs = [.. Enumerable.Range(0, 25).Select(_ => (Seconds(1), Seconds(2)))];
        var times = pairs.Select(p => p.One / p.Two).Order().ElementAt(pairs.Length / 2);
        var said = FormattableString.Invariant($"{rows.Count} rows: one thread {pairs.Min(p => p.One):0.00} s at best, two {pairs.Min(p => p.Two):0.00} s; {times:0.00} times as fast, the median of {pairs.Length} pairs");
        TestContext.Current.SendDiagnosticMessage(said);
        Assert.True(times >= 1.7, said);
    }

    private string[] Build(TokenCache cache, ExampleBuilder? with = null)
    {
        using var tokens = Tokens(cache, with);
        return Contents(tokens.Build(ValidationSplit.Parse(Dataset.Load(path), null), TestContext.Current.CancellationToken).Training);
    }

    private string[] Files() => Directory.Exists(folder.At("cache")) ? Directory.GetFiles(folder.At("cache"), "*.tokens") : [];

    public void Dispose() => folder.Dispose();
}
