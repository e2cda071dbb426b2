namespace LowRank.Training.Lecture.Content;

/// <summary>A text in every language. Its numbers are placeholders, the same in each (<see cref="Figures.Fill"/>).</summary>
/// <param name="En">English.</param>
/// <param name="Ko">Korean.</param>
internal sealed record LectureText(string En, string Ko)
{
    /// <summary>The text in a language.</summary>
    public string In(LectureLanguage language) => language == LectureLanguage.Ko ? Ko : En;
}
