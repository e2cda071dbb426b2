namespace LowRank.Models.Tokenization;

/// <summary>
/// A token beside the model's own vocabulary, found in the text before anything else happens to it. The flags mean what they mean in
/// the <c>added_tokens</c> of a tokenizer.json.
/// </summary>
/// <param name="Id">Its id.</param>
/// <param name="Content">Its text.</param>
/// <param name="SingleWord">Found only where no word character stands beside it.</param>
/// <param name="LeftStrip">Takes the white space before it (<c>lstrip</c>).</param>
/// <param name="RightStrip">Takes the white space after it (<c>rstrip</c>).</param>
/// <param name="Normalized">Looked for in the normalized text, itself normalized.</param>
/// <param name="Special">Left out when text is decoded with special tokens skipped.</param>
public sealed record AddedToken(int Id, string Content, bool SingleWord, bool LeftStrip, bool RightStrip, bool Normalized, bool Special);
