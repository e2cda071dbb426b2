using LowRank.Cli;
using LowRank.Runtime;

// Verbs that load a model: libtorch takes half a second, in which the command line and the small files are read. By way of the pool, whose thread, on which the verb will run, is there then.
if (args is ["train" or "bench" or "generate" or "chat" or "eval" or "compare" or "sweep", ..] && !args.Any(a => a is "--help" or "-h" or "-?"))
    _ = Task.Run(static () => NativeRuntime.LoadInBackground(onlyIfPresent: true));
return await App.RunAsync(args, new CommandTree());
