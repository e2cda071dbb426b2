using LowRank.Cli;

return await App.RunAsync(args, new CommandTree());
