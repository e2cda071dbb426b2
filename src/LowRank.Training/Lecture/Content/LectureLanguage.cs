namespace LowRank.Training.Lecture.Content;

/// <summary>A language that the lecture is told in.</summary>
internal enum LectureLanguage
{
    /// <summary>English.</summary>
    En,

    /// <summary>Korean.</summary>
    Ko,
}
