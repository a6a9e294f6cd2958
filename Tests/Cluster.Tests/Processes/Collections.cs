using Xunit;

namespace ConfCluster.Cluster.Tests.Processes;

/// <summary>Tests with one node, one at a time; beside those of <see cref="ClusterCollection"/>.</summary>
[CollectionDefinition("processes")]
public sealed class ProcessCollection;

/// <summary>Tests with several nodes and PostgreSQL, one at a time.</summary>
[CollectionDefinition("clusters")]
public sealed class ClusterCollection;
