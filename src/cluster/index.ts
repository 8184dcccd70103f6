export type { ContentPart, ContentPlan } from './bundle/size-limit.js'
export { Cluster, type ClusterOptions } from './cluster.js'
export type { ClusterAccess } from './cluster-runnable.js'
export { ClusterRunnable, type PreflightOptions, type SetupOptions } from './cluster-runnable.js'
export { SessionEnded } from './host/agent-errors.js'
export { AgentHost } from './host/agent-host.js'
export type { ExecOptions, ExecResult, FetchOptions, Host, Sent, SyncOptions } from './host/host.js'
export { LocalHost } from './host/local-host.js'
export { SlurmNode } from './host/slurm-node.js'
export { SSHHost } from './host/ssh-host.js'
export type { HostKeyPolicy, SSHHostOptions } from './host/ssh-options.js'
export { LocalCluster } from './local-cluster.js'
export type { Connection, Member, Members, Route } from './members.js'
export type { Exit, Gpu, Resources, RunState, RunStatus } from './protocol/messages.js'
export type {
  ClusterCallOptions,
  ClusterEvent,
  HostPlan,
  HostReport,
  SharedHosts,
} from './provision/events.js'
export { RemoteEnvironment, type RemoteEnvironmentOptions } from './remote-environment.js'
export { connectToFactories } from './run/current-run.js'
export type { ReconnectOptions } from './run/reconnect.js'
export { type EventOptions, type LogOptions, RemoteRun, type RunEnd } from './run/remote-run.js'
export type { SubmitOptions } from './run/submit.js'
export { SlurmCluster } from './slurm-cluster.js'
export { SSHCluster } from './ssh-cluster.js'
