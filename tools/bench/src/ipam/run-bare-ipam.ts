import { IpamServiceService } from '@overlay/contracts';
import { implementService, startRpcServer } from '@overlay/rpc';

/** A gRPC server that answers Allocate and Release at once and keeps nothing, on the unix socket of its argument. */
const socket = process.argv[2] ?? '';
const onInternalError = (error: unknown): void => {
  process.stderr.write(`${String(error)}\n`);
};
const service = implementService(
  IpamServiceService,
  {
    allocate: async ({ network, half, owner, labels }) => ({
      allocation: {
        network,
        half,
        owner,
        labels,
        addresses: [{ address: '9.0.0.2/20', gateway: '9.0.0.1' }],
        networkNamespace: '',
        allocatedAtMs: BigInt(Date.now()),
        bootId: '00000000-0000-0000-0000-000000000000',
        reservation: '',
        ownerKind: '',
      },
    }),
    release: async () => ({ releasedIps: ['9.0.0.2'] }),
  },
  onInternalError,
);
await startRpcServer({
  listen: { key: 'socket', address: { kind: 'unix', path: socket } },
  services: [service],
  onInternalError,
});
process.stdout.write('listening\n');
