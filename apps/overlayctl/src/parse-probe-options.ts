import type { ProbeContainerRequest } from '@overlay/contracts';
import { type FieldViolation, OverlayError } from '@overlay/failure';

/** The options of a probe as they were typed. */
export interface TypedProbe {
  readonly tcp?: string;
  readonly http?: string;
  readonly path?: string;
  readonly https?: boolean;
  readonly status?: string;
  readonly contains?: string;
  readonly grpc?: string;
  readonly service?: string;
  readonly exec?: boolean;
  readonly agent?: string;
  readonly within?: string;
}

/** What is asked for. */
export interface ProbeOptions {
  readonly probe: NonNullable<ProbeContainerRequest['probe']>;
  readonly timeoutMs: number;
  /** '' for any agent. */
  readonly agentIp: string;
}

/** Seconds a probe may take unless said otherwise. */
const DEFAULT_SECONDS = 5;
const MAX_SECONDS = 60;

/** Reads the options. @throws OverlayError `invalid_argument` that names every wrong one. */
export function parseProbeOptions(typed: TypedProbe, argv: readonly string[]): ProbeOptions {
  const violations: FieldViolation[] = [];
  const number = (field: string, text: string, max: number) => {
    const value = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= 1 && value <= max) return value;
    violations.push({ field, description: `"${text}" is not a number from 1 to ${max}` });
    return 0;
  };
  const kinds = [typed.tcp, typed.http, typed.grpc].filter((port) => port !== undefined).length;
  if (kinds + (typed.exec === true ? 1 : 0) !== 1) {
    const description = 'choose one: --tcp PORT, --http PORT, --grpc PORT or --exec -- COMMAND';
    throw OverlayError.invalid([{ field: 'probe', description }]);
  }
  if ((typed.exec === true) !== argv.length > 0) {
    const description = 'a command needs --exec, and --exec needs a command behind --';
    throw OverlayError.invalid([{ field: '--exec', description }]);
  }
  for (const [field, needs, isTyped] of [
    ['--path', '--http', typed.path !== undefined],
    ['--https', '--http', typed.https === true],
    ['--status', '--http', typed.status !== undefined],
    ['--contains', '--http', typed.contains !== undefined],
    ['--service', '--grpc', typed.service !== undefined],
  ] as const) {
    const given = needs === '--http' ? typed.http : typed.grpc;
    if (isTyped && given === undefined) {
      violations.push({ field, description: `belongs to ${needs} PORT and would not be looked at` });
    }
  }
  const seconds =
    typed.within === undefined ? DEFAULT_SECONDS : number('--within', typed.within, MAX_SECONDS);
  const probe = readProbe(typed, argv, number);
  if (violations.length > 0) throw OverlayError.invalid(violations, 'command');
  return { probe, timeoutMs: seconds * 1_000, agentIp: typed.agent ?? '' };
}

function readProbe(
  typed: TypedProbe,
  argv: readonly string[],
  number: (field: string, text: string, max: number) => number,
): ProbeOptions['probe'] {
  const port = (field: string, text: string) => number(field, text, 65_535);
  if (typed.tcp !== undefined) return { $case: 'tcp', value: { port: port('--tcp', typed.tcp) } };
  if (typed.grpc !== undefined) {
    return { $case: 'grpc', value: { port: port('--grpc', typed.grpc), service: typed.service ?? '' } };
  }
  if (typed.http === undefined) return { $case: 'command', value: { argv: [...argv] } };
  return {
    $case: 'http',
    value: {
      port: port('--http', typed.http),
      path: typed.path ?? '',
      tls: typed.https === true,
      expectedStatus: typed.status === undefined ? 0 : number('--status', typed.status, 599),
      bodyContains: typed.contains ?? '',
    },
  };
}
