import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isFailure, OverlayError, toOverlayError } from '@overlay/failure';
import { type NodeId, parseNodeId } from '@overlay/model';
import { writeFileAtomically } from '@overlay/service';
import { isMissingFile } from '../missing-file.js';

/**
 * The node's stable id, kept in `<stateDir>/node-id` and created there the first time. The node keeps its block
 * and VTEP by it, so a file that cannot be read as an id is never replaced.
 * @param newId makes an id that no other node has
 * @throws OverlayError `data_loss` naming the file if it holds no id, `failed_precondition` if it cannot be read
 * or created.
 */
export async function loadNodeId(stateDir: string, newId: () => string): Promise<NodeId> {
  const path = join(stateDir, 'node-id');
  const found = await readIfThere(path);
  if (found !== undefined) return parseFile(path, found);
  const id = parseNodeId(newId());
  try {
    await writeFileAtomically(path, `${id}\n`);
  } catch (error) {
    const message = `state_dir: cannot create ${path}: ${toOverlayError(error).message}`;
    throw new OverlayError('failed_precondition', message, { cause: error });
  }
  return id;
}

function parseFile(path: string, content: string): NodeId {
  try {
    return parseNodeId(content.replace(/\n$/, ''));
  } catch (error) {
    if (!isFailure(error)) throw error;
    const wayOut = 'restore it, or remove it to join as a new node with new addresses';
    throw new OverlayError('data_loss', `${path} holds no node id (${error.message}): ${wayOut}`);
  }
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (isMissingFile(error)) return undefined;
    const message = `state_dir: cannot read ${path}: ${toOverlayError(error).message}`;
    throw new OverlayError('failed_precondition', message, { cause: error });
  }
}
