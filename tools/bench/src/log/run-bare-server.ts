import { Server, ServerCredentials } from '@grpc/grpc-js';

/**
 * The least that a gRPC server does for a registration, as a process of its own: takes the request's bytes and answers
 * with so many bytes as its argument says. Writes its port to its output.
 */
const answer = Buffer.alloc(Number(process.argv[2]));
const pass = (bytes: Buffer): Buffer => bytes;
const method = {
  path: '/overlay.v1.MasterService/RegisterAgent',
  requestStream: false,
  responseStream: false,
  requestSerialize: pass,
  requestDeserialize: pass,
  responseSerialize: pass,
  responseDeserialize: pass,
};
const server = new Server({ 'grpc.enable_channelz': 0 });
server.addService(
  { registerAgent: method },
  {
    registerAgent: (_call: unknown, callback: (error: null, bytes: Buffer) => void) => callback(null, answer),
  },
);
server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => {
  if (error !== null) throw error;
  process.stdout.write(`${port}\n`);
});
