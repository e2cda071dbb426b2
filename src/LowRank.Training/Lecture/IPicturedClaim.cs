using LowRank.Training.Lecture.Content;
using LowRank.Training.Pictures;

namespace LowRank.Training.Lecture;

/// <summary>A claim that is better seen than read.</summary>
internal interface IPicturedClaim
{
    /// <summary>Draws what was measured.</summary>
    /// <param name="laboratory">The laboratory in which it was measured.</param>
    /// <param name="text">Title, axes and names.</param>
    /// <param name="language">In which language.</param>
    Picture Draw(Laboratory.LectureLaboratory laboratory, PictureText text, LectureLanguage language);
}
