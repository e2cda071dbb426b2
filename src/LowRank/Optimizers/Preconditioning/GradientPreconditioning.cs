namespace LowRank.Optimizers;

/// <summary>What the gradients of LoRA's matrices are multiplied with before AdamW sees them.</summary>
public enum GradientPreconditioning
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>
    /// LoRA-FA (arXiv:2308.03303, with the projection of PEFT's <c>create_lorafa_optimizer</c>): A is frozen, so that no input of an adapted layer has to be kept for its gradient, and the gradient of B
    /// becomes <c>g (A Aᵀ + 10⁻⁸ I)⁻¹ / s²</c>, with which the update comes nearest to a step of the whole weight.
    /// </summary>
    LoraFa,

    /// <summary>
    /// Riemannian preconditioning (arXiv:2402.02347, PEFT's <c>create_riemannian_optimizer</c>): the gradient of A becomes <c>(Bᵀ B + λ I)⁻¹ g</c> and that of B <c>g (A Aᵀ + λ I)⁻¹</c>, with a
    /// damping λ of 0.01, so that a step does not depend on how an update is divided between its two matrices.
    /// </summary>
    Riemannian,
}
