using System.Collections.Immutable;
using ConfCluster.Protocols.Audit;
using ConfCluster.Protocols.Conference;
using ConfCluster.Protocols.Wire;
using ConfCluster.Support;
using Xunit;

namespace ConfCluster.Protocols.Tests.Audit;

/// <summary>Whatever is done to records, their order or their number shows, and a cut shows by a signed head.</summary>
public sealed class AuditChainTests : IDisposable
{
    private readonly SecretBytes _seed = SecretBytes.CopyOf(Convert.FromHexString("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"));
    private readonly ImmutableArray<KeyChangeRecord> _records = LogScript.Good().Records;
    private readonly ImmutableArray<LinkedRecord> _linked;
    private readonly AuditPublicKey _key;
    private readonly AuditHead _head;

    public AuditChainTests()
    {
        _linked = AuditChain.Link(LogScript.Room, _records);
        _key = AuditKey.PublicOf(_seed);
        _head = Head(_records.Length);
    }

    public void Dispose() => _seed.Dispose();

    /// <summary>The key of TEST 1.</summary>
    [Fact]
    [Trait("RFC", "8032 §7.1")]
    public void The_public_key_is_that_of_the_seed() =>
        Assert.Equal("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", _key.Hex);

    [Fact]
    [Trait("RFC", "8410 §4")]
    public void The_public_key_is_read_back_from_its_file()
    {
        Assert.True(AuditPublicKey.TryRead(_key.Pem(), out var read));
        Assert.Equal(_key, read);
        foreach (var bad in (string[])["", "x", _key.Pem().Replace("PUBLIC", "PRIVATE", StringComparison.Ordinal), "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----"])
            Assert.False(AuditPublicKey.TryRead(bad, out _));
    }

    [Fact]
    public void What_was_not_touched_verifies() => Assert.Empty(Verify(_linked, Head(6), _head));

    [Fact]
    public void The_chain_has_these_hashes_for_ever() =>
        Assert.Equal(VectorFile.Text("audit/chain.txt"), string.Join("\n", _linked.Select(l => $"{l.Record.Number} {l.Hash}")) + "\n");

    [Fact]
    public void A_changed_text_is_found_in_every_field_of_every_record()
    {
        for (var i = 0; i < _linked.Length; i++)
        {
            var record = _linked[i].Record;
            KeyChangeRecord[] changed =
            [
                record with { At = KeyChangeRecord.Text(LogScript.Time(99)) }, record with { What = record.What + "x" }, record with { Fields = record.Fields.Add(new AuditField("a", "b")) },
                .. record.Fields.Select((f, n) => record with { Fields = record.Fields.SetItem(n, f with { Value = f.Value + "x" }) }),
                .. record.Fields.Select((f, n) => record with { Fields = record.Fields.SetItem(n, f with { Name = f.Name + "x" }) }),
                .. record.Fields.Select((_, n) => record with { Fields = record.Fields.RemoveAt(n) }),
            ];
            foreach (var bad in changed)
            {
                Assert.Equal(record.Number, Assert.Single(Verify(_linked.SetItem(i, _linked[i] with { Record = bad }), _head)).Record);
                // The same by somebody who chains anew: then the head does not fit.
                Assert.Contains(Verify(AuditChain.Link(LogScript.Room, _records.SetItem(i, bad)), Head(i), _head), v => v.Rule == AuditRule.Head && v.Text.Contains($"records {i + 1} to", StringComparison.Ordinal));
            }
        }
    }

    [Fact]
    public void A_text_that_moves_to_the_field_beside_is_found()
    {
        KeyChangeRecord Of(string a, string b) => new(1, KeyChangeRecord.Text(LogScript.Noon), "left", [new AuditField("participant", a), new AuditField("reason", b)]);
        Assert.NotEqual(Of("ab", "c").CanonicalBytes(), Of("a", "bc").CanonicalBytes());
    }

    [Fact]
    public void A_removed_record_is_found_wherever_it_was()
    {
        for (var i = 0; i < _linked.Length; i++) Assert.NotEmpty(Verify(_linked.RemoveAt(i), _head));
        Assert.Contains(Verify(_linked.RemoveAt(4), _head), v => v.Text == "record 5 is missing");
        Assert.Contains(Verify(_linked.RemoveRange(4, 3), _head), v => v.Text == "records 5 to 7 are missing");
    }

    [Fact]
    public void Swapped_and_inserted_records_are_found()
    {
        for (var i = 1; i < _linked.Length; i++)
        {
            Assert.NotEmpty(Verify(_linked.SetItem(i, _linked[i - 1]).SetItem(i - 1, _linked[i]), _head));
            Assert.NotEmpty(Verify(_linked.Insert(i, _linked[i]), _head));
            var numbered = _records.Insert(i, _records[0] with { Number = i + 1 }).Select((r, n) => r with { Number = n + 1 });
            Assert.NotEmpty(Verify(AuditChain.Link(LogScript.Room, numbered), _head));
        }
    }

    [Fact]
    public void A_cut_is_found_by_a_head_that_signed_more()
    {
        var cut = AuditChain.Link(LogScript.Room, _records.RemoveAt(_records.Length - 1));
        Assert.Empty(Verify(cut, Head(6)));
        Assert.Contains("cut off", Assert.Single(Verify(cut, _head)).Text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_head_of_another_key_or_conference_or_text_does_not_count()
    {
        using var other = SecretBytes.CopyOf(new byte[AuditKey.SeedLength]);
        AuditHead[] bad =
        [
            AuditKey.Sign(other, Chain(LogScript.Room, 6), LogScript.Noon), AuditKey.Sign(_seed, Chain("200", 6), LogScript.Noon), _head with { Number = 6, Hash = _linked[5].Hash },
            _head with { Hash = _linked[5].Hash }, _head with { At = KeyChangeRecord.Text(LogScript.Time(99)) }, _head with { Signature = "" },
            _head with { Signature = new string('z', 128) }, _head with { Signature = new string('0', 128) },
        ];
        Assert.All(bad, h => Assert.Contains("not signed by this key", Assert.Single(Verify(_linked, h)).Text, StringComparison.Ordinal));
    }

    [Fact]
    public void A_bundle_is_judged_with_the_public_key_alone()
    {
        Assert.True(AuditBundle.TryRead(AuditBundle.Of(LogScript.Room, _records, [_head]).Write(), out var bundle, out var problem), problem);
        Assert.Empty(bundle!.Verify(_key));
        Assert.NotEmpty((bundle with { Records = bundle.Records.RemoveAt(3) }).Verify(_key));
        Assert.Contains((bundle with { Heads = [] }).Verify(_key), v => v.Text.Contains("covered by no signed head", StringComparison.Ordinal));
        foreach (var bad in (string[])["", "{}", "[]", "null", bundle.Write().Replace("bundle 1", "bundle 2", StringComparison.Ordinal), "{\"format\":\"confcluster audit bundle 1\"}"])
            Assert.False(AuditBundle.TryRead(bad, out _, out _));
    }

    private ImmutableArray<AuditViolation> Verify(ImmutableArray<LinkedRecord> linked, params AuditHead[] heads) => AuditChain.Verify(LogScript.Room, linked, heads, _key);

    private AuditHead Head(int number) => AuditKey.Sign(_seed, Chain(LogScript.Room, number), LogScript.Time(number));

    private AuditChain Chain(string room, int number) => _records.Take(number).Aggregate(AuditChain.Begin(room), (c, r) => c.Append(r));
}
