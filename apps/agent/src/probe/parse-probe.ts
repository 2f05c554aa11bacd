import type { ProbeContainerRequest } from '@overlay/contracts';
import { type FieldViolation, OverlayError } from '@overlay/failure';

/** How a container is probed; ports are 1 to 65535. */
export type Probe =
  | { readonly kind: 'tcp'; readonly port: number }
  | HttpProbe
  | { readonly kind: 'grpc'; readonly port: number; readonly service: string }
  | { readonly kind: 'command'; readonly argv: readonly string[] };

/** One GET, and what counts as healthy. */
export interface HttpProbe {
  readonly kind: 'http';
  readonly port: number;
  /** Path with its query, beginning with a slash. */
  readonly path: string;
  readonly tls: boolean;
  /** Absent: any of 200 to 399. */
  readonly expectedStatus?: number;
  /** Text that the beginning of the body must contain; '' for any. */
  readonly bodyContains: string;
}

/** A probe with the container that it is meant for. */
export interface ProbeWish {
  /** Container id or one of its addresses. */
  readonly container: string;
  readonly probe: Probe;
  /** How long it may take in all, waiting for its turn included. */
  readonly timeoutMs: number;
}

const DEFAULT_TIMEOUT_MS = 5_000;
const MAX_TIMEOUT_MS = 60_000;
const MAX_ARGUMENTS = 256;
const MAX_TEXT_BYTES = 4_096;
/** A request target in origin form: visible ASCII only, so that nothing can end the request line (RFC 9112, 3.2). */
const REQUEST_TARGET = /^\/[\x21-\x7e]*$/;

/** Reads a request. @throws OverlayError `invalid_argument` naming every field that is wrong. */
export function parseProbe(request: ProbeContainerRequest): ProbeWish {
  const violations: FieldViolation[] = [];
  const refuse = (field: string, description: string) => {
    violations.push({ field, description });
  };
  if (request.container === '') refuse('container', 'is empty: give a container id or an address');
  checkText('container', request.container, refuse);
  if (request.timeoutMs > MAX_TIMEOUT_MS) {
    refuse('timeout_ms', `${request.timeoutMs} is above the largest of ${MAX_TIMEOUT_MS}`);
  }
  const probe = readProbe(request.probe, refuse);
  if (violations.length > 0 || probe === undefined) throw OverlayError.invalid(violations, 'probe');
  const timeoutMs = request.timeoutMs === 0 ? DEFAULT_TIMEOUT_MS : request.timeoutMs;
  return { container: request.container, probe, timeoutMs };
}

type Refuse = (field: string, description: string) => void;

function readProbe(probe: ProbeContainerRequest['probe'], refuse: Refuse): Probe | undefined {
  switch (probe?.$case) {
    case undefined:
      refuse('probe', 'is missing: set one of tcp, http, grpc and command');
      return undefined;
    case 'tcp':
      checkPort('tcp.port', probe.value.port, refuse);
      return { kind: 'tcp', port: probe.value.port };
    case 'grpc':
      checkPort('grpc.port', probe.value.port, refuse);
      checkText('grpc.service', probe.value.service, refuse);
      return { kind: 'grpc', port: probe.value.port, service: probe.value.service };
    case 'http':
      return readHttp(probe.value, refuse);
    case 'command':
      checkCommand(probe.value.argv, refuse);
      return { kind: 'command', argv: probe.value.argv };
  }
}

type HttpMessage = Extract<ProbeContainerRequest['probe'], { $case: 'http' }>['value'];

function readHttp({ port, path, tls, expectedStatus, bodyContains }: HttpMessage, refuse: Refuse): HttpProbe {
  checkPort('http.port', port, refuse);
  checkText('http.path', path, refuse);
  checkText('http.body_contains', bodyContains, refuse);
  if (path !== '' && !REQUEST_TARGET.test(path)) {
    refuse('http.path', 'must begin with "/" and hold visible ASCII only: percent-encode the rest');
  }
  if (expectedStatus !== 0 && (expectedStatus < 200 || expectedStatus > 599)) {
    refuse(
      'http.expected_status',
      `${expectedStatus} is no final status: give 200 to 599, or 0 for 200 to 399`,
    );
  }
  return {
    kind: 'http',
    port,
    path: path === '' ? '/' : path,
    tls,
    ...(expectedStatus === 0 ? {} : { expectedStatus }),
    bodyContains,
  };
}

function checkPort(field: string, port: number, refuse: Refuse): void {
  if (port < 1 || port > 65_535) refuse(field, `${port} is no port: give 1 to 65535`);
}

function checkText(field: string, text: string, refuse: Refuse): void {
  const bytes = Buffer.byteLength(text);
  if (bytes > MAX_TEXT_BYTES) refuse(field, `has ${bytes} bytes, above the largest of ${MAX_TEXT_BYTES}`);
}

function checkCommand(argv: readonly string[], refuse: Refuse): void {
  if (argv.length === 0 || argv[0] === '')
    refuse('command.argv', 'is empty: name the program and its arguments');
  if (argv.length > MAX_ARGUMENTS) {
    refuse('command.argv', `has ${argv.length} entries, above the largest of ${MAX_ARGUMENTS}`);
  }
  argv.forEach((argument, index) => {
    checkText(`command.argv[${index}]`, argument, refuse);
    if (argument.includes('\0')) refuse(`command.argv[${index}]`, 'holds a zero byte, which no argument can');
  });
}
