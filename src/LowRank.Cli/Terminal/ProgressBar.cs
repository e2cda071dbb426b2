using System.Globalization;
using Spectre.Console;

namespace LowRank.Cli.Terminal;

/// <summary>How far something is, on the error stream: a bar on a terminal, a line at every tenth elsewhere.</summary>
internal static class ProgressBar
{
    /// <summary>Does something on another thread and shows how far it is.</summary>
    /// <param name="screen">Where.</param>
    /// <param name="what">What is being done.</param>
    /// <param name="work">Is given what to tell: done and all.</param>
    public static async Task ShowAsync(Screen screen, string what, Action<Action<long, long>> work)
    {
        if (!screen.IsErrorLive)
        {
            var shown = 0L;
            await Task.Run(() => work((done, all) =>
            {
                var tenth = all == 0 ? 10 : 10 * done / all;
                if (tenth < shown) shown = 0; // another pass over the same
                if (tenth <= shown) return;
                shown = tenth;
                screen.Progress(string.Create(CultureInfo.InvariantCulture, $"{what}: {10 * tenth} %"));
            })).ConfigureAwait(false);
            return;
        }
        await screen.ErrorConsole.Progress().AutoClear(true).Columns(new TaskDescriptionColumn(), new ProgressBarColumn { Width = 24 }, new PercentageColumn(), new RemainingTimeColumn())
            .StartAsync(async context =>
            {
                var task = context.AddTask(Markup.Escape(what));
                await Task.Run(() => work((done, all) => (task.MaxValue, task.Value) = (Math.Max(1, all), done))).ConfigureAwait(false);
            }).ConfigureAwait(false);
    }
}
