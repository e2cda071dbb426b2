using LowRank.Training.Lecture;
using LowRank.Training.Lecture.Content;
using LowRank.Training.Lecture.Laboratory;

namespace LowRank.Training.Tests.Lecture;

/// <summary>All claims computed once on the tiny model, for the tests that look at them.</summary>
public sealed class LectureFindings
{
    public LectureFindings()
    {
        Content = LectureContent.Load();
        Course = new LectureCourse(new LectureLaboratory());
        All = [.. Content.Claims.Select(Course.Find)];
    }

    internal LectureContent Content { get; }

    internal LectureCourse Course { get; }

    internal IReadOnlyList<Finding> All { get; }

    internal Finding Of(string id) => All.Single(f => f.Claim.Id == id);
}
