using ConfCluster.Host.Commands;

return await CommandLine.RunAsync(args);
