import { type Logger, pino } from 'pino';

export type { Logger } from 'pino';

/** Levels of the configuration key `log_level`. */
export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'silent';

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
