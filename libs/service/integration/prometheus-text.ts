/** One sample of a Prometheus text page. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** One metric with its samples. */
export interface Metric {
  readonly type: string;
  readonly help: string;
  readonly samples: readonly Sample[];
}

const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/;
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"(?:,|$)/g;
const SERIES_SUFFIX = /_(?:bucket|sum|count)$/;

/**
 * Reads the Prometheus text exposition format, version 0.0.4. Throws at a line that does not belong into it and at
 * a sample of a metric that no TYPE line announced.
 */
export function parsePrometheusText(text: string): ReadonlyMap<string, Metric> {
  if (!text.endsWith('\n')) throw new SyntaxError('the last line must end with a line feed');
  const metrics = new Map<string, { type: string; help: string; samples: Sample[] }>();
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const [, keyword, about = '', rest = ''] = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line) ?? [];
    if (keyword === 'HELP') metrics.set(about, { type: '', help: rest, samples: [] });
    else if (keyword === 'TYPE') metricOf(metrics, about).type = rest;
    else {
      const sample = parseSample(line);
      metricOf(metrics, sample.name).samples.push(sample);
    }
  }
  return metrics;
}

function metricOf<M>(metrics: ReadonlyMap<string, M>, name: string): M {
  const metric = metrics.get(name) ?? metrics.get(name.replace(SERIES_SUFFIX, ''));
  if (metric === undefined) throw new SyntaxError(`${name} was not announced`);
  return metric;
}

function parseSample(line: string): Sample {
  const [, name, labels = '', value] = SAMPLE.exec(line) ?? [];
  if (name === undefined || value === undefined) throw new SyntaxError(`no sample: ${line}`);
  const pairs = [...labels.matchAll(LABEL)];
  if (pairs.map(([pair]) => pair).join('') !== labels) throw new SyntaxError(`no labels: ${labels}`);
  const number = Number(value.replace('Inf', 'Infinity'));
  if (Number.isNaN(number) && value.toLowerCase() !== 'nan') throw new SyntaxError(`no number: ${line}`);
  return { name, labels: Object.fromEntries(pairs.map(([, key, text]) => [key, text])), value: number };
}
