export { type AppName, AppProcess } from './app-process.js';
export { Capture, type CaptureOptions } from './capture.js';
export {
  type CertificateContents,
  type CertificateFiles,
  type Certificates,
  createCertificates,
} from './certificates.js';
export {
  type CniAddress,
  type CniChain,
  type CniCommand,
  type CniPluginConfig,
  parseCniAddresses,
} from './cni-chain.js';
export { type CniAttachment, type CniCall, type CniRuntime, cniEnvironment } from './cni-runtime.js';
export { type CommandOptions, type CommandResult, runCommand, runOrFail } from './command.js';
export { Container, type Half } from './container.js';
export { DOCKER_IMAGE, DockerEngine } from './docker-engine.js';
export type { DockerHalf } from './docker-half.js';
export { EtcdCluster, type EtcdClusterOptions, type EtcdHome, type EtcdUser } from './etcd-cluster.js';
export {
  type CniAttachOptions,
  type DockerAttachOptions,
  Host,
  type HostAppName,
  type HostConfigPatch,
  type StartWait,
} from './host.js';
export type { Throughput } from './iperf.js';
export { listLostAssignments } from './kept-assignments.js';
export { LoneMaster } from './lone-master.js';
export {
  type LaunchOverrides,
  ManagedProcess,
  type ProcessExit,
  type ProcessSpec,
} from './managed-process.js';
export { Master } from './master.js';
export type { LogKind, MasterSetOptions } from './master-set.js';
export { type EchoOptions, NetworkNamespace } from './network-namespace.js';
export { envOfOtherBoot } from './other-boot.js';
export {
  type AgentOverlayState,
  type AgentState,
  type BridgeState,
  listUnsettled,
  type MasterState,
  type VxlanState,
} from './overlay-state.js';
export type { PingOptions, PingResult } from './ping.js';
export { Podman } from './podman.js';
export type { EchoResult, StreamStatus } from './probe/probe-protocol.js';
export {
  type Configuration,
  HOST_HTTP,
  type HostPaths,
  mergeConfig,
} from './process-configs.js';
export { unixSocketListens } from './readiness.js';
export type { DockerRunOptions, PodmanRunOptions } from './run-container.js';
export { Testbed, type TestbedOptions } from './testbed.js';
export { type AddressPair, OUTSIDE } from './underlay-plan.js';
