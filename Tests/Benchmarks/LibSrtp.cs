using System.Runtime.InteropServices;
using ConfCluster.Protocols.Srtp;

namespace ConfCluster.Benchmarks;

/// <summary>libsrtp 2.x by P/Invoke, for comparison only: one session, any SSRC, three suites.</summary>
internal sealed unsafe class LibSrtp : IDisposable
{
    private const string Library = "libsrtp2.so.1";

    /// <summary>The library refuses to be initialised twice in a process.</summary>
    private static bool _isReady;

    private readonly byte* _key;
    private readonly nint _session;

    /// <exception cref="DllNotFoundException">The library is not installed.</exception>
    public LibSrtp(SrtpProfile profile, ReadOnlySpan<byte> keyAndSalt, bool outbound)
    {
        if (!_isReady && srtp_init() != 0) throw new InvalidOperationException("srtp_init failed");
        _isReady = true;
        _key = (byte*)NativeMemory.Alloc((nuint)keyAndSalt.Length);
        keyAndSalt.CopyTo(new Span<byte>(_key, keyAndSalt.Length));
        Policy policy = default;
        Set(profile, &policy.Rtp);
        Set(profile, &policy.Rtcp);
        policy.SsrcType = outbound ? 3 : 2;
        policy.Key = _key;
        policy.WindowSize = 1024;
        var status = srtp_create(out _session, &policy);
        if (status != 0) throw new InvalidOperationException($"srtp_create: {status}");
    }

    public int Protect(byte* packet, int length)
    {
        var status = srtp_protect(_session, packet, ref length);
        return status == 0 ? length : throw new InvalidOperationException($"srtp_protect: {status}");
    }

    public int Unprotect(byte* packet, int length)
    {
        var status = srtp_unprotect(_session, packet, ref length);
        return status == 0 ? length : throw new InvalidOperationException($"srtp_unprotect: {status}");
    }

    public void Dispose()
    {
        _ = srtp_dealloc(_session);
        NativeMemory.Free(_key);
    }

    private static void Set(SrtpProfile profile, CryptoPolicy* policy)
    {
        if (profile == SrtpProfile.AeadAes128Gcm) srtp_crypto_policy_set_aes_gcm_128_16_auth(policy);
        else if (profile == SrtpProfile.AeadAes256Gcm) srtp_crypto_policy_set_aes_gcm_256_16_auth(policy);
        else srtp_crypto_policy_set_rtp_default(policy);
    }

    [DllImport(Library)]
    private static extern int srtp_init();

    [DllImport(Library)]
    private static extern void srtp_crypto_policy_set_aes_gcm_128_16_auth(CryptoPolicy* policy);

    [DllImport(Library)]
    private static extern void srtp_crypto_policy_set_aes_gcm_256_16_auth(CryptoPolicy* policy);

    [DllImport(Library)]
    private static extern void srtp_crypto_policy_set_rtp_default(CryptoPolicy* policy);

    [DllImport(Library)]
    private static extern int srtp_create(out nint session, Policy* policy);

    [DllImport(Library)]
    private static extern int srtp_dealloc(nint session);

    [DllImport(Library)]
    private static extern int srtp_protect(nint session, byte* packet, ref int length);

    [DllImport(Library)]
    private static extern int srtp_unprotect(nint session, byte* packet, ref int length);

    /// <summary>srtp_crypto_policy_t: cipher type and key length, auth type, key length and tag length, services.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct CryptoPolicy
    {
        public uint CipherType;
        public int CipherKeyLength;
        public uint AuthType;
        public int AuthKeyLength;
        public int AuthTagLength;
        public int Services;
    }

    /// <summary>srtp_policy_t of libsrtp 2.2 and later.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Policy
    {
        public int SsrcType;
        public uint SsrcValue;
        public CryptoPolicy Rtp;
        public CryptoPolicy Rtcp;
        public byte* Key;
        public nint Keys;
        public nuint MasterKeys;
        public nint DeprecatedEkt;
        public nuint WindowSize;
        public int AllowRepeatTx;
        public nint EncryptedExtensions;
        public int EncryptedExtensionCount;
        public nint Next;
    }
}
