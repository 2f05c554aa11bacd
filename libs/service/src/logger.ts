import type { LogLevel } from '@overlay/model';
import { type Logger, pino } from 'pino';

export type { Logger } from 'pino';

/** A structured logger on stdout: one JSON object a line, with the process's name and ISO times. */
export function createLogger(process: string, level: LogLevel): Logger {
  return pino({
    level,
    base: { process },
    messageKey: 'message',
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
  });
}
