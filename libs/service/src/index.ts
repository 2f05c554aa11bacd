export { claimUnixSocket } from './claim-unix-socket.js';
export { type Clock, systemClock } from './clock.js';
export { readConfigFile } from './config-file.js';
export {
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type HttpServer,
  type HttpServerOptions,
  startHttpServer,
} from './http-server.js';
export { createLogger, type Logger } from './logger.js';
export { type Counter, type Gauge, type Histogram, Metrics } from './metrics.js';
export { type ProcessConfiguration, readConfiguration } from './read-configuration.js';
export { Readiness } from './readiness.js';
export {
  type ProcessDescription,
  type ProcessHost,
  type ProcessInput,
  type ProcessTask,
  type RunningProcess,
  runProcess,
} from './run-process.js';
export { syncFolder, writeFileAtomically } from './write-file-atomically.js';
