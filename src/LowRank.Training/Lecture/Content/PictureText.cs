namespace LowRank.Training.Lecture.Content;

/// <summary>What stands in a picture.</summary>
/// <param name="Title">Above it.</param>
/// <param name="X">Below the horizontal axis; null where there is none.</param>
/// <param name="Y">Beside the vertical axis; null where there is none.</param>
/// <param name="Series">Names of its curves or images.</param>
internal sealed record PictureText(LectureText Title, LectureText? X, LectureText? Y, IReadOnlyList<LectureText> Series);
