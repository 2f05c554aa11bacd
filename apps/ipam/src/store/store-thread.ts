import { parentPort, workerData } from 'node:worker_threads';
import { toOverlayError } from '@overlay/failure';
import { LmdbAllocationStore } from './lmdb-allocation-store.js';
import type { StoreCall, StoreReply } from './threaded-allocation-store.js';

/** The thread in which a ThreadedAllocationStore keeps its store: performs one call after the other. */
function serve(folder: string, reply: (message: StoreReply) => void): (call: StoreCall) => void {
  let opening: Promise<LmdbAllocationStore> | undefined;
  const perform = async (call: StoreCall): Promise<unknown> => {
    opening ??= LmdbAllocationStore.open(folder);
    const store = await opening;
    switch (call.kind) {
      case 'load':
        return store.load();
      case 'write':
        return store.write(call.commit);
      case 'close':
        return store.close();
    }
  };
  return (call) => {
    perform(call).then(
      (result) => reply({ ok: true, result }),
      (thrown: unknown) => {
        const { code, message } = toOverlayError(thrown);
        reply({ ok: false, code, message });
      },
    );
  };
}

const port = parentPort;
port?.on(
  'message',
  serve(String(workerData), (message) => port.postMessage(message)),
);
