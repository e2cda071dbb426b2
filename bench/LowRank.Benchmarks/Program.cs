// The kernels one by one, beside libtorch's operators. The training step as a whole is `lowrank bench`.
//
//   dotnet run -c Release --project bench/LowRank.Benchmarks -- --filter '*'
//   dotnet run -c Release --project bench/LowRank.Benchmarks -- --filter '*Frozen*' --job short
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using LowRank.Runtime;

NativeRuntime.Load();
// In this process: a project that BenchmarkDotNet makes and builds for each run would not find libtorch.
var job = Job.Default.WithToolchain(InProcessEmitToolchain.Instance).WithWarmupCount(3).WithIterationCount(9);
BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(args, ManualConfig.Create(DefaultConfig.Instance).AddJob(job));
