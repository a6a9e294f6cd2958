using ConfCluster.Protocols.Conference;
using Xunit;

namespace ConfCluster.Protocols.Tests.Conference;

/// <summary>What <see cref="ConferenceProperties"/> found once in some ten thousand stories; what must hold is asserted by <see cref="ConferenceWorld"/> at every step.</summary>
public sealed class ConferenceStoryTests
{
    /// <summary>
    /// Two are refused while their write fails, and stored all the same. The leave of the one begins an epoch with a key that the other was told in advance: it stands before
    /// the leave of that one, which asks for the next.
    /// </summary>
    [Fact]
    public void An_epoch_with_a_key_that_a_refused_caller_was_told_begins_before_it_leaves() => Play(
        new ConferenceWorld(shares: true, ladder: 2, legs: 9),
        [
            (2, 2), (17, 4), (2, 4), (13, 4), (1, 2), (9, 0), (10, 1), (15, 2), (9, 2), (16, 2), (11, 0), (9, 1), (11, 2), (10, 3), (2, 0), (5, 2), (15, 0), (2, 4), (17, 3),
            (1, 1), (18, 2), (3, 3), (1, 2), (0, 1), (10, 4), (13, 3), (11, 2), (6, 4), (18, 2), (7, 3), (2, 1), (3, 4), (3, 4), (6, 1), (0, 2), (6, 3),
        ]);

    /// <summary>A node is emptied, then the one that took its legs, while one of them is on its way from the first to a third that had room: it has nobody to hear until its peer knows.</summary>
    [Fact]
    public void Who_is_on_the_way_from_a_mixer_that_ends_to_another_number_is_sent_media_at_once() => Play(
        new ConferenceWorld(shares: false, ladder: 0, legs: 9), [(0, 3), (1, 0), (5, 0), (5, 0), (22, 0), (5, 0), (29, 4), (33, 3), (5, 0), (21, 0), (5, 0)]);

    private static void Play(ConferenceWorld world, (int What, int Who)[] story)
    {
        foreach (var (what, who) in story) world.Do(what, new ParticipantId($"p{who}"));
        world.Settle();
    }
}
