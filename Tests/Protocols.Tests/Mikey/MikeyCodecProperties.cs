using ConfCluster.Protocols.Mikey;
using ConfCluster.Protocols.Mikey.Payloads;
using ConfCluster.Protocols.Wire;
using CsCheck;
using Xunit;

namespace ConfCluster.Protocols.Tests.Mikey;

public class MikeyCodecProperties
{
    private static readonly Gen<Octets> Some = Gen.Byte.Array[0, 40].Select(b => Octets.CopyOf(b));

    private static readonly Gen<Identity> Name = Gen.Byte[0, 3].Select(Some, (t, o) => new Identity((IdentityType)t, o));

    private static readonly Gen<MikeyTime> Time = Gen.ULong.Select(v => new MikeyTime(TimestampType.NtpUtc, v));

    private static readonly Gen<MikeyTime> ShortTime = Gen.UInt.Select(Gen.Bool, (v, c) => new MikeyTime(c ? TimestampType.Counter : TimestampType.NtpUtc32, v));

    private static readonly Gen<KeyValidity> Validity = Gen.OneOf(
        Gen.Const<KeyValidity>(new KeyValidity.Always()), Some.Select(s => (KeyValidity)new KeyValidity.Named(s)),
        Some.Select(Some, (a, b) => (KeyValidity)new KeyValidity.Between(a, b)));

    private static readonly Gen<MikeyPayload> Small = Gen.OneOf<MikeyPayload>(
        Some.Select(o => (MikeyPayload)new Kemac(EncryptionAlgorithm.AesCm256, o, MacAlgorithm.HmacSha256, Octets.Zero(32))),
        Some.Select(o => (MikeyPayload)new Kemac(EncryptionAlgorithm.AesKw128, o)),
        Gen.Byte[0, 3].Select(Some, (c, o) => (MikeyPayload)new Pke((EnvelopeCache)c, o)),
        Gen.Byte[0, 15].Select(Validity, (r, v) => (MikeyPayload)new DhValue(DhGroup.Oakley1, Octets.Zero(96), r, v)),
        Gen.OneOf(Time, ShortTime).Select(t => (MikeyPayload)new Timestamp(t)),
        Gen.OneOf(Time, ShortTime).Select(Gen.Byte, (t, r) => (MikeyPayload)new RoleTimestamp((TimestampRole)r, t)),
        Name.Select(n => (MikeyPayload)new NamedIdentity(n)),
        Name.Select(Gen.Byte, (n, r) => (MikeyPayload)new RoleIdentity((IdentityRole)r, n)),
        Some.Select(Gen.Byte, (o, t) => (MikeyPayload)new Certificate((CertificateType)t, o)),
        Gen.Const<MikeyPayload>(new CertificateHash(HashFunction.Sha256, Octets.Zero(32))),
        Gen.Const<MikeyPayload>(new Verification(MacAlgorithm.HmacSha1, Octets.Zero(20))),
        Some.Select(Gen.Byte, (o, t) => (MikeyPayload)new SecurityPolicy(t, ProtocolType.Srtp, new([new PolicyParameter(t, o), new PolicyParameter(1, o)]))),
        Some.Select(o => (MikeyPayload)new RandomValue(o)),
        Some.Select(Gen.Byte, (o, r) => (MikeyPayload)new RoleRand((RandRole)r, o)),
        Gen.Byte.Select(Gen.UShort, (e, r) => (MikeyPayload)new ErrorPayload((ErrorNumber)e, r)),
        Some.Select(Gen.Byte, (o, t) => (MikeyPayload)new GeneralExtension((ExtensionType)t, o)));

    private static readonly Gen<TicketPolicy> Policy =
        from type in Gen.UShort
        from prf in Gen.Byte[0, 127]
        from flags in Gen.Int[0, 0xFFF]
        from reserved in Gen.Byte[0, 31]
        from contents in Small.Array[0, 5]
        select new TicketPolicy(new TicketKind(type, 1, 1), (PrfFunction)prf, (TicketFlags)flags, reserved, new([.. contents]));

    private static readonly Gen<MikeyPayload> Any = Gen.OneOf(
        Small, Policy.Select(p => (MikeyPayload)new WantedTicket(p)), Policy.Select(Some, Some, (p, a, b) => (MikeyPayload)new Ticket(p, a, b)));

    private static readonly Gen<CsIdMap> Map = Gen.OneOf<CsIdMap>(
        Gen.Byte.Select(n => (CsIdMap)new CsIdMap.Empty(n)),
        Gen.Byte.Select(Gen.UInt, Gen.UInt, (p, s, r) => new SrtpSession(p, s, r)).Array[0, 5].Select(s => (CsIdMap)new CsIdMap.Srtp(new([.. s]))),
        Gen.Byte.Select(Gen.UInt, Gen.Bool, Some, (id, ssrc, s, spi) => GenericSession.ForSrtp(
            id, Octets.CopyOf([1, 2]), new SrtpPosition(ssrc, s ? (7u, (ushort)9) : null), spi)).Array[0, 4].Select(s => (CsIdMap)new CsIdMap.Generic(new([.. s]))));

    private static readonly Gen<MikeyMessage> Message =
        from type in Gen.Byte
        from v in Gen.Bool
        from prf in Gen.Byte[0, 127]
        from csb in Gen.UInt
        from map in Map
        from payloads in Any.Array[0, 8]
        select new MikeyMessage(new MikeyHeader((MessageType)type, v, (PrfFunction)prf, csb, map), new ListOf<MikeyPayload>([.. payloads]));

    [Fact]
    [Trait("RFC", "3830 §6.1")]
    [Trait("RFC", "6043 §6.10")]
    public void What_is_written_is_read_again() => Message.Sample(
        message =>
        {
            var octets = MikeyWriter.Write(message);
            if (message.Header.Map is CsIdMap.Empty && message.All<SecurityPolicy>().Any())
            {
                Assert.False(MikeyReader.TryRead(octets.Span, out _, out var error));
                Assert.Equal(MikeyError.PolicyWithEmptyMap, error);
                return;
            }

            Assert.True(MikeyReader.TryRead(octets.Span, out var read, out var none), none.ToString());
            Assert.Equal(message, read);
        },
        iter: 3_000);

    [Fact]
    public void No_change_of_octets_makes_the_reader_throw_or_lose_anything() => Gen.Select(
        Gen.OneOf([.. MikeyTexts.All.Select(n => Gen.Const(MikeyTexts.Of(n)))]), Gen.Int[0, 600].Select(Gen.Byte).Array[1, 6], Gen.Int[0, 600]).Sample(
        (octets, changes, length) =>
        {
            var bent = octets.ToArray();
            foreach (var (at, value) in changes) bent[at % bent.Length] = value;
            if (length < bent.Length && length % 3 == 0) bent = bent[..length];
            if (MikeyReader.TryRead(bent, out var message, out var error)) Assert.Equal(Octets.CopyOf(bent), MikeyWriter.Write(message!));
            else Assert.NotEqual(MikeyError.None, error);
        },
        iter: 30_000);

    [Fact]
    [Trait("RFC", "3394 §2.2")]
    public void Key_wrap_gives_the_RFCs_ciphertext_and_refuses_another()
    {
        var (key, text) = (Convert.FromHexString("000102030405060708090A0B0C0D0E0F"), Convert.FromHexString("00112233445566778899AABBCCDDEEFF"));
        var iv = Convert.FromHexString("A6A6A6A6A6A6A6A6");
        var wrapped = new byte[24];
        AesBlocks.Wrap(key, iv, text, wrapped);
        Assert.Equal("1FA68B0A8112B447AEF34BD8FB5A7B829D3E862371D2CFE5", Convert.ToHexString(wrapped));
        var again = new byte[16];
        Assert.True(AesBlocks.TryUnwrap(key, iv, wrapped, again));
        Assert.Equal(text, again);
        wrapped[3] ^= 1;
        Assert.False(AesBlocks.TryUnwrap(key, iv, wrapped, again));
    }

    [Fact]
    [Trait("RFC", "6043 §6.3")]
    public void Times_before_and_after_2036_are_told_apart()
    {
        foreach (var time in (DateTimeOffset[])[new(2026, 11, 27, 0, 0, 0, TimeSpan.Zero), new(2036, 2, 7, 6, 28, 15, TimeSpan.Zero), new(2050, 1, 1, 0, 0, 0, TimeSpan.Zero)])
        {
            Assert.Equal(time, MikeyTime.SecondsAt(time).ToTime());
            Assert.Equal(time, MikeyTime.At(time).ToTime());
        }

        Assert.Equal(0xE800000000000000, new MikeyTime(TimestampType.NtpUtc32, 0xE8000000).Padded);
        Assert.Equal(7UL, new MikeyTime(TimestampType.Counter, 7).Padded);
    }

    [Fact]
    [Trait("RFC", "7714 §15")]
    [Trait("RFC", "3830 §6.10.1")]
    public void A_policy_is_what_it_was_written_as()
    {
        foreach (var policy in (SrtpPolicy[])[SrtpPolicy.AesCm128Tag80, SrtpPolicy.AesCm128Tag32, SrtpPolicy.AesCm256Tag80, SrtpPolicy.AeadAes128Gcm, SrtpPolicy.AeadAes256Gcm])
            Assert.Equal(policy, SrtpPolicy.Of(policy.ToPayload(1)));
        Assert.Equal(SrtpPolicy.AesCm128Tag80, SrtpPolicy.Of(new SecurityPolicy(0, ProtocolType.Srtp, default)));
    }

    [Fact]
    public void Keys_are_never_printed()
    {
        using var key = new TransportedKey(KeyType.Tek, SecretBytes.Create(16, s => s.Fill(0x41)), null, new KeyValidity.Always());
        Assert.Equal("Tek <secret, 16 bytes> Always { Kind = 0 }", key.ToString());
    }
}
