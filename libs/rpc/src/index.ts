export { type BackoffPolicy, backoffMs } from './backoff.js';
export type { CallContext } from './call-view.js';
export { requireNode, requireOperator } from './caller-rights.js';
export {
  errorOfStatusMessage,
  type StatusAnswer,
  statusMessageOf,
} from './error-details.js';
export { statusOfFailure } from './grpc-status.js';
export {
  type CallOf,
  type CallSettings,
  createRpcClient,
  type RpcClient,
  type RpcClientOptions,
} from './rpc-client.js';
export { type RpcServer, type RpcServerOptions, startRpcServer } from './rpc-server.js';
export {
  type HandlerOf,
  type HandlersOf,
  type InternalErrorListener,
  implementService,
  type RpcService,
} from './service-handlers.js';
export { type RequestOf, type ResponseOf, type ServiceShape, serviceName } from './service-types.js';
export { clientCredentials, type TlsFiles } from './tls-files.js';
export { topologyParts } from './topology-parts.js';
export { unlessAborted, until } from './until.js';
