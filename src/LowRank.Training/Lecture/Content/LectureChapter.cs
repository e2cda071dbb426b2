namespace LowRank.Training.Lecture.Content;

/// <summary>A chapter of the lecture.</summary>
/// <param name="Id">Its name on the command line.</param>
/// <param name="Title">Its title.</param>
internal sealed record LectureChapter(string Id, LectureText Title);
