/** One figure of a bench beside its counterpart, both measured in the same run. */
export interface Measurement {
  /** What was measured, for example `allocate all 262,144 /26 of a /8`. */
  readonly what: string;
  /** Unit of both figures, for example `ms` or `1/s`. */
  readonly unit: string;
  readonly better: 'higher' | 'lower';
  /** The product's figure. */
  readonly product: number;
  readonly counterpart: { readonly name: string; readonly figure: number };
  /** The figure to reach, in `unit`; absent where a figure is only watched. */
  readonly goal?: number;
  /** What bounds the product's figure however fast it is: the least that has to happen for each unit of work. */
  readonly limit?: { readonly name: string; readonly figure: number };
}

/** Everything that one run of a bench measured. */
export interface BenchResult {
  readonly measurements: readonly Measurement[];
}

/** What the command line may say of how much is measured; each bench has its own defaults. */
export interface BenchSizes {
  /** Numbers of agents that are present, for benches that grow with the cluster. */
  readonly agents?: readonly number[];
  /** Agents in the log that a master recovers. */
  readonly recovered?: number;
  /** Numbers of peers that a host gets. */
  readonly sizes?: readonly number[];
  /** How long a rate is measured, in seconds. */
  readonly seconds?: number;
}

/** A bench that `npm run bench -- NAME` can run. */
export interface Bench {
  /** Its name on the command line and of its file under `bench/results`. */
  readonly name: string;
  /** One line for `--help`. */
  readonly description: string;
  /** Measures once; cleans up behind itself, also when it fails. */
  run(sizes: BenchSizes): Promise<BenchResult>;
}

/** How many times better the product is than its counterpart: above 1 it wins. */
export function ratioOf({ better, product, counterpart }: Measurement): number {
  return better === 'higher' ? product / counterpart.figure : counterpart.figure / product;
}

/** True if the product reached its goal, undefined without one. */
export function goalReached({ better, product, goal }: Measurement): boolean | undefined {
  if (goal === undefined) return undefined;
  return better === 'higher' ? product >= goal : product <= goal;
}
