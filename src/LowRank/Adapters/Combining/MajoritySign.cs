namespace LowRank.Adapters;

/// <summary>How TIES elects the sign of an element (PEFT's <c>majority_sign_method</c>).</summary>
internal enum MajoritySign
{
    /// <summary>The sign of the sum of the values (<c>total</c>).</summary>
    Total,

    /// <summary>The sign that more of the adapters have (<c>frequency</c>).</summary>
    Frequency,
}
