using ConfCluster.Protocols.Focus;
using ConfCluster.Protocols.Wire;
using Xunit;

namespace ConfCluster.Protocols.Tests.Focus;

public sealed class LocalTagTests : IDisposable
{
    private readonly LocalTag _tags = new(SecretBytes.CopyOf("0123456789abcdef0123456789abcdef"u8));

    public void Dispose() => _tags.Dispose();

    [Fact]
    public void Every_node_with_the_key_gives_the_copies_of_an_INVITE_one_participant()
    {
        using var other = new LocalTag(SecretBytes.CopyOf("0123456789abcdef0123456789abcdef"u8));
        var id = _tags.ForIncoming("call", "from", 1);
        Assert.Equal(id, other.ForIncoming("call", "from", 1));
        Assert.Equal(32, id.Value.Length);
        Assert.True(other.IsOurs(id.Value, "call"));
    }

    [Fact]
    public void Another_Call_ID_tag_or_number_is_another_participant()
    {
        var ids = new[] { ("call", "from", 1u), ("call2", "from", 1u), ("call", "from2", 1u), ("call", "from", 2u), ("callf", "rom", 1u), ("call", (string?)null, 1u) }
            .Select(t => _tags.ForIncoming(t.Item1, t.Item2, t.Item3)).ToHashSet();
        Assert.Equal(6, ids.Count);
    }

    [Fact]
    public void A_tag_is_ours_only_whole_with_its_Call_ID_and_under_our_key()
    {
        using var stranger = new LocalTag(SecretBytes.CopyOf("another key that is long enough!"u8));
        var tag = _tags.ForIncoming("call", "from", 1).Value;
        Assert.False(_tags.IsOurs(tag, "call2"));
        Assert.False(stranger.IsOurs(tag, "call"));
        Assert.False(_tags.IsOurs(tag.ToUpperInvariant(), "call"));
        Assert.False(_tags.IsOurs("", "call"));
        Assert.False(_tags.IsOurs(new string('z', 32), "call"));
        Assert.False(_tags.IsOurs(tag[..31], "call"));
        for (var i = 0; i < tag.Length; i++)
            Assert.False(_tags.IsOurs(tag[..i] + (tag[i] == '0' ? '1' : '0') + tag[(i + 1)..], "call"));
    }

    [Fact]
    public void A_dialog_of_ours_carries_its_random_half()
    {
        var id = _tags.ForOutgoing([1, 2, 3, 4, 5, 6, 7, 8], "call");
        Assert.StartsWith("0102030405060708", id.Value, StringComparison.Ordinal);
        Assert.True(_tags.IsOurs(id.Value, "call"));
    }
}
