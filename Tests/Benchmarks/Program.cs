using System.Globalization;
using ConfCluster.Benchmarks;

// One verb per benchmark; each prints a table for RESULTS.md.
switch (args)
{
    case ["mixer", ..]:
        MixerBenchmark.Run(Console.Out);
        return 0;
    case ["forwarder", ..]:
        ForwarderBenchmark.Run(Console.Out);
        return 0;
    case ["srtp", ..]:
        SrtpBenchmark.Run(Console.Out);
        return 0;
    case ["sip", ..]:
        SipBenchmark.Run(Console.Out);
        return 0;
    case ["fanout", ..]:
        FanoutBenchmark.Run(Console.Out);
        return 0;
    case ["keys", ..]:
        KeysBenchmark.Run(Console.Out);
        return 0;
    case ["undecoded", ..]:
        UndecodedBenchmark.Run(Console.Out);
        return 0;
    case ["mikey", ..]:
        MikeyBenchmark.Run(Console.Out);
        return 0;
    case ["leg", ..]:
        LegRekeyBenchmark.Run(Console.Out);
        return 0;
    case ["remoting", ..]:
        await RemotingBenchmark.RunAsync(Console.Out);
        return 0;
    case ["remoting-answer", var port, var directory, var way]:
        await RemotingBenchmark.AnswerAsync(int.Parse(port, CultureInfo.InvariantCulture), directory, way);
        return 0;
    default:
        Console.Error.WriteLine("usage: benchmarks mixer | forwarder | srtp | sip | fanout | keys | undecoded | mikey | leg | remoting   (calls per second: calls.sh)");
        return 2;
}
