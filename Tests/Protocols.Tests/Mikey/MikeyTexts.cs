using System.Text.Json;
using ConfCluster.Support;

namespace ConfCluster.Protocols.Tests.Mikey;

/// <summary>All messages of the vector files by name.</summary>
internal static class MikeyTexts
{
    private static readonly Dictionary<string, byte[]> Messages = Read();

    public static IReadOnlyCollection<string> All => Messages.Keys;

    public static byte[] Of(string name) => Messages[name];

    public static byte[] Message(JsonElement scenario, string name) => MikeyCodecVectors.Hex(
        scenario.GetProperty("messages").EnumerateArray().First(m => m.GetProperty("name").GetString() == name), "hex");

    private static Dictionary<string, byte[]> Read()
    {
        var all = new Dictionary<string, byte[]>();
        foreach (var m in VectorFile.Json("mikey/mikey_rfc4567_examples.json").GetProperty("messages").EnumerateArray())
            all.Add(m.GetProperty("name").GetString()!, Convert.FromBase64String(m.GetProperty("base64").GetString()!));
        var computed = VectorFile.Json("mikey/mikey_messages_computed.json");
        foreach (var (v, i) in computed.GetProperty("rfc3830_psk").EnumerateArray().Select((v, i) => (v, i)))
        {
            all.Add($"PSK I_MESSAGE {i}", MikeyCodecVectors.Hex(v, "I_MESSAGE"));
            all.Add($"PSK R_MESSAGE {i}", MikeyCodecVectors.Hex(v, "R_MESSAGE"));
        }

        foreach (var scenario in computed.GetProperty("mikey_ticket").EnumerateArray())
            foreach (var m in scenario.GetProperty("messages").EnumerateArray())
                all.Add($"{scenario.GetProperty("name").GetString()![..1]} {m.GetProperty("name").GetString()}", MikeyCodecVectors.Hex(m, "hex"));
        return all;
    }
}
