using System.Collections.Immutable;
using ConfCluster.Protocols.Keys;
using ConfCluster.Protocols.Sdp;
using ConfCluster.Protocols.Srtp;
using CsCheck;
using Xunit;

namespace ConfCluster.Protocols.Tests.Sdp;

public class SdpProperties
{
    private static readonly Gen<string> Token = Gen.Char["abcdefghijklmnopqrstuvwxyz0123456789-"].Array[1, 8].Select(c => new string(c));

    private static readonly SdpConnection?[] Connections = [null, new SdpConnection("IP4", "192.0.2.7"), new SdpConnection("IP6", "2001:db8::7")];

    private static readonly Gen<SdpConnection?> Connection = Gen.Int[0, 2].Select(i => Connections[i]);

    private static readonly Gen<SdpDirection?> Direction = Gen.Int[-1, 3].Select(d => d < 0 ? (SdpDirection?)null : (SdpDirection)d);

    private static readonly Gen<ImmutableArray<MasterKey>> Keys =
        from profile in Gen.Int[0, SrtpProfile.All.Length - 1].Select(i => SrtpProfile.All[i])
        from length in Gen.Byte[0, 12]
        from count in Gen.Int[1, length == 0 ? 1 : 3]
        from lifetime in Gen.OneOf(Gen.Const(MasterKey.MaxLifetime), Gen.ULong[1, MasterKey.MaxLifetime], Gen.Int[0, 48].Select(n => 1UL << n))
        from octets in Gen.Byte.Array[profile.MasterLength].Array[count].Where(all => all.Select(Convert.ToHexString).Distinct().Count() == all.Length)
        select octets.Select((o, i) => MasterKey.Generate(
            profile, length == 0 ? Mki.None : new Mki((ulong)i + 1, length), s => o.CopyTo(s))).Select(k => new MasterKey(k.Profile, k.KeyAndSalt, k.Mki, lifetime)).ToImmutableArray();

    private static readonly Gen<MediaDescription> Media =
        from kind in Token
        from port in Gen.Int[0, 65535]
        from connection in Connection
        from direction in Direction
        from ptime in Gen.Int[1, 200].Nullable()
        from rtcp in Gen.Int[1, 65535].Nullable()
        from mux in Gen.Bool
        from map in Gen.Byte[0, 127]
        from keys in Keys.Array[0, 3]
        from unprotected in Gen.Byte[0, 7]
        from other in Token.Array[0, 3]
        select new MediaDescription
        {
            Line = new MediaLine(kind, port, "RTP/SAVP", ["0", "x"]),
            Connection = connection,
            Direction = direction,
            PacketTime = ptime,
            Rtcp = rtcp is { } r ? new RtcpAttribute(r, connection) : null,
            RtcpMux = mux,
            RtpMaps = [new RtpMap(map, "X", 8000, map % 2 + 1)],
            Crypto = [.. keys.Select((k, i) => new CryptoAttribute((uint)i, k[0].Profile, k) { Unprotected = (Unprotected)unprotected })],
            Other = [.. other.Select(o => new SdpLine('a', "x-" + o))],
        };

    private static readonly Gen<SessionDescription> Session =
        from user in Token
        from id in Gen.ULong
        from version in Gen.ULong
        from name in Token
        from connection in Connection
        from direction in Direction
        from media in Media.Array[0, 4]
        select new SessionDescription
        {
            Origin = new SdpOrigin(user, $"{id}", version, "IP4", "host.example"),
            Name = name,
            Connection = connection,
            Direction = direction,
            Media = [.. media],
            Other = [new SdpLine('i', "about"), new SdpLine('a', "tool:x")],
        };

    [Fact]
    public void What_was_written_is_read_back_and_written_the_same() => Session.Sample(session =>
    {
        var bytes = SdpWriter.ToBytes(session);
        using var again = SdpTexts.Read(bytes);
        Assert.Equal(session.Origin, again.Origin);
        Assert.Equal(session.Media.Sum(m => m.Crypto.Sum(c => c.Keys.Length)), again.Media.Sum(m => m.Crypto.Sum(c => c.Keys.Length)));
        Assert.Equal(bytes, SdpWriter.ToBytes(again));
        session.Dispose();
    }, iter: 1000);

    [Fact]
    public void Any_bytes_are_read_or_refused_with_a_reason() => Gen.Byte.Array[0, 200].Sample(bytes =>
    {
        var read = SdpReader.TryRead(bytes, out var session, out var error);
        Assert.Equal(read, error == SdpError.None);
        session?.Dispose();
    }, iter: 2000);
}
