import { join, resolve } from 'node:path';
import { type CommandResult, runCommand } from '@overlay/testbed';

/** What a gRPC call came to, as a client in another language sees it. */
export interface ForeignAnswer {
  /** The gRPC status in small letters; `ok`, or `client` when the client itself refused. */
  readonly code: string;
  readonly message: string;
  /** The answer as JSON. */
  readonly body: unknown;
  /** Type names of the error details. */
  readonly details: readonly string[];
}

/**
 * Calls a method with `buf curl`, a client in Go that knows of our services only what reflection tells.
 *
 * @param target `http://host:port`, or the path of a unix socket.
 * @param method `overlay.v1.MasterService/RegisterAgent`.
 */
export async function callAsForeigner(
  target: string,
  method: string,
  request: unknown,
): Promise<ForeignAnswer> {
  const isPath = target.startsWith('/');
  const buf = join(resolve('.'), 'node_modules/.bin/buf');
  const protocol = ['--protocol', 'grpc', '--http2-prior-knowledge'];
  const socket = isPath ? ['--unix-socket', target] : [];
  const url = `${isPath ? 'http://localhost' : target}/${method}`;
  return parseAnswer(
    await runCommand([buf, 'curl', ...protocol, ...socket, '--data', JSON.stringify(request), url]),
  );
}

function parseAnswer({ exitCode, stdout, stderr }: CommandResult): ForeignAnswer {
  if (exitCode === 0) return { code: 'ok', message: '', body: JSON.parse(stdout), details: [] };
  if (!stderr.trimStart().startsWith('{'))
    return { code: 'client', message: stderr.trim(), body: undefined, details: [] };
  const {
    code,
    message,
    details = [],
  } = JSON.parse(stderr) as {
    readonly code: string;
    readonly message: string;
    readonly details?: readonly { readonly type: string }[];
  };
  return { code, message, body: undefined, details: details.map(({ type }) => type) };
}
