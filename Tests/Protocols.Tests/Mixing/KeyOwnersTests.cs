using System.Collections.Immutable;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Mixing;
using ConfCluster.Protocols.Srtp;
using CsCheck;
using Xunit;

namespace ConfCluster.Protocols.Tests.Mixing;

/// <summary>Nobody sends under a key of another leg or of the group, whichever offer or answer brings it.</summary>
public sealed class KeyOwnersTests
{
    private static readonly byte[] Word = [.. Enumerable.Repeat((byte)0x21, 160)];
    private readonly MixerScene _scene = new();

    [Fact]
    [Trait("RFC", "4568 §6.1")]
    public void A_leg_that_comes_with_the_key_of_another_goes_on_as_it_was_and_is_named()
    {
        var phones = _scene.Conference(2);
        phones[1].Say(Word);
        var repeating = phones[1].Media() with { Uplink = phones[0].Media().Uplink };
        Assert.False(_scene.Mixer.SetLeg(repeating));
        Assert.Throws<ObjectDisposedException>(() => repeating.Uplink[0].KeyAndSalt.Reveal().Length);
        Assert.True(_scene.Mixer.TryTakeRepeating(out var who));
        Assert.Equal(phones[1].Id, who);
        Assert.False(_scene.Mixer.TryTakeRepeating(out _));
        var stolen = phones[0].Packet(Word);
        _scene.Mixer.Receive(phones[1].Slot, false, [.. stolen], phones[1].Address, _scene.Now);
        Assert.Equal((1ul, 1ul), (phones[1].Statistics.PacketsReceived, phones[1].Statistics.AuthFailures));
        phones[1].Say(Word);
        Assert.Equal(2ul, phones[1].Statistics.PacketsReceived);
    }

    [Fact]
    public void The_conference_is_told_of_new_keys_by_marks_that_mean_nothing_in_another_conference()
    {
        var phones = _scene.Conference(2);
        var marks = _scene.Mixer.TakeKeys(phones[0].Id, all: false);
        Assert.Single(marks);
        Assert.Empty(_scene.Mixer.TakeKeys(phones[0].Id, all: false));
        Assert.True(KeyMark.Meet(marks.AsSpan(), _scene.Mixer.TakeKeys(phones[0].Id, all: true).AsSpan()));
        Assert.False(KeyMark.Meet(marks.AsSpan(), _scene.Mixer.TakeKeys(phones[1].Id, all: true).AsSpan()));
        var key = KeyFingerprint.Of(phones[0].Media().Uplink[0]);
        Assert.True(marks[0].FixedTimeEquals(key.MarkIn(_scene.Mixer.State!.Mixer.Conference.Value)));
        Assert.False(key.MarkIn("one").FixedTimeEquals(key.MarkIn("other")));
        var words = key.Words.ToArray();
        Assert.False(KeyMark.Meet([new KeyMark(words[0], words[1], words[2], words[3])], marks.AsSpan()));
        Assert.Equal("<key mark>", $"{marks[0]}");
        _scene.Mixer.CloseLeg(phones[0].Id);
        Assert.Empty(_scene.Mixer.TakeKeys(phones[0].Id, all: true));
    }

    [Fact]
    public void Another_suite_another_MKI_and_a_second_place_in_the_line_make_no_other_key_of_it()
    {
        var phones = _scene.Conference(2);
        var known = phones[0].Media().Uplink[0].KeyAndSalt;
        var other = new MasterKey(SrtpProfile.AesCm128HmacSha1Tag32, known.Copy(), new Mki(2, 4));
        Assert.False(_scene.Mixer.SetLeg(phones[1].Media() with { Uplink = [MasterKey.Generate(other.Profile, new Mki(1, 4), _scene.Fill), other] }));
    }

    [Fact]
    public void A_group_key_of_any_epoch_that_is_kept_is_nobodys_own_also_of_who_was_never_told_it()
    {
        var scene = new GroupScene();
        scene.Group(1);
        scene.NewKey(2);
        scene.Wish(1, 2);
        var stranger = scene.Mixer.Phone();
        foreach (var epoch in (uint[])[1, 2])
        {
            var key = scene.Key(epoch).Keys[0];
            Assert.False(scene.Mixer.Mixer.SetLeg(stranger.Media() with { Uplink = [key.Copy()] }));
            Assert.False(scene.Mixer.Mixer.TryClaim(new("new"), [KeyFingerprint.Of(key)]));
        }
    }

    [Fact]
    public void The_first_to_open_with_a_key_has_it_until_its_leg_is_closed()
    {
        using var key = _scene.NewKey();
        var mark = KeyFingerprint.Of(key);
        Assert.True(_scene.Mixer.TryClaim(new("a"), [mark]));
        Assert.True(_scene.Mixer.TryClaim(new("a"), [mark]));
        Assert.False(_scene.Mixer.TryClaim(new("b"), [mark]));
        _scene.Mixer.Disclaim(new("a"));
        Assert.True(_scene.Mixer.TryClaim(new("b"), [mark]));
        _scene.Mixer.OpenLeg(new("b"));
        _scene.Mixer.Disclaim(new("b"));
        Assert.False(_scene.Mixer.TryClaim(new("a"), [mark]));
        _scene.Mixer.CloseLeg(new("b"));
        Assert.True(_scene.Mixer.TryClaim(new("a"), [mark]));
    }

    [Fact]
    public void A_fingerprint_shows_nothing_and_is_of_the_whole_key()
    {
        using var key = _scene.NewKey();
        using var same = key.Copy();
        using var other = _scene.NewKey();
        Assert.True(KeyFingerprint.Of(key).FixedTimeEquals(KeyFingerprint.Of(same)));
        Assert.False(KeyFingerprint.Of(key).FixedTimeEquals(KeyFingerprint.Of(other)));
        Assert.Equal("<key fingerprint>", KeyFingerprint.Of(key).ToString());
    }

    /// <summary>As an invariant: at no moment do two open legs send under one key, and whoever was first is never put out by another.</summary>
    [Fact]
    public void Whatever_legs_offer_no_two_send_under_one_key() =>
        Gen.Select(Gen.Int[0, 3], Gen.Int[0, 3], Gen.Int[0, 5]).Array[1, 60].Sample(story =>
        {
            var scene = new MixerScene();
            var phones = scene.Conference(4);
            ImmutableArray<MasterKey> keys = [.. Enumerable.Range(0, 6).Select(_ => scene.NewKey())];
            var (open, had) = (phones.ToHashSet(), phones.ToDictionary(p => p, _ => new HashSet<int>()));
            foreach (var (act, who, which) in story)
            {
                var phone = phones[who];
                if (act == 0 && open.Remove(phone))
                {
                    scene.Mixer.CloseLeg(phone.Id);
                    had[phone].Clear();
                }
                else if (act == 1 && open.Add(phone))
                {
                    scene.Open(phone);
                }
                else if (act > 1 && open.Contains(phone))
                {
                    var isFree = phones.All(p => p == phone || !had[p].Contains(which));
                    Assert.Equal(isFree, scene.Mixer.SetLeg(phone.Media() with { Uplink = [keys[which].Copy()] }));
                    if (isFree) had[phone].Add(which);
                }
            }
        });
}
