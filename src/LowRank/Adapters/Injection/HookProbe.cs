using static TorchSharp.torch;

namespace LowRank.Adapters;

/// <summary>
/// Finds layers whose hook a model does not call. TorchSharp calls hooks in <c>call</c> and not in <c>forward</c>, so a model that writes
/// <c>linear.forward(x)</c> would compute without the adapter and train nothing, silently.
/// </summary>
internal static class HookProbe
{
    /// <summary>Runs the model once in evaluation mode, and a second time, with gradients, only where a hook was silent.</summary>
    /// <exception cref="LoraInjectionException">A hook is passed by, or its layer is not used.</exception>
    public static void Run(nn.Module module, IReadOnlyList<HookedLinear> layers, Func<Tensor> run)
    {
        var modes = module.named_modules().Select(m => (m.module, m.module.training)).Prepend((module, module.training)).ToArray();
        foreach (var layer in layers) layer.Enabled = false;
        try
        {
            module.eval();
            using (NewDisposeScope())
            using (no_grad())
                run();
            var silent = layers.Where(l => l.Calls == 0).ToArray();
            if (silent.Length > 0) throw Explain(silent, run);
        }
        finally
        {
            // Parents come before their children, whose own mode then overrides.
            foreach (var (inner, training) in modes) inner.train(training);
            foreach (var layer in layers) layer.Enabled = true;
        }
    }

    /// <summary>Tells a layer that is used without its hook from one that is not used: only the weight of the first gets a gradient.</summary>
    private static LoraInjectionException Explain(HookedLinear[] silent, Func<Tensor> run)
    {
        using var scope = NewDisposeScope();
        foreach (var layer in silent) layer.Linear.weight.requires_grad_(true);
        try
        {
            using (enable_grad())
            {
                var output = run().sum();
                if (output.requires_grad) output.backward();
            }
            var bypassed = Names(silent.Where(l => l.Linear.weight.grad is not null));
            return bypassed.Length > 0
                ? new LoraInjectionException($"The model calls forward on {string.Join(", ", bypassed)}, and forward passes by the hooks with which LoRA is added. Write layer.call(x) in place of layer.forward(x), or leave these layers out of target_modules.", bypassed)
                : new LoraInjectionException($"The example does not reach {string.Join(", ", Names(silent))}, so it cannot be seen that LoRA works there. Give an example that uses all targets, or leave these layers out of target_modules.", Names(silent));
        }
        finally
        {
            foreach (var layer in silent)
            {
                layer.Linear.weight.requires_grad_(false);
                if (layer.Linear.weight.grad is { } gradient)
                {
                    layer.Linear.weight.grad = null;
                    gradient.Dispose();
                }
            }
        }
    }

    private static string[] Names(IEnumerable<HookedLinear> layers) => [.. layers.Select(l => l.Target.Module.Name)];
}
