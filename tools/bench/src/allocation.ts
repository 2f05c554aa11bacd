import { type Cidr, parseCidr, SubnetPool } from '@overlay/allocation';
import type { Bench, BenchResult, Measurement } from './bench.js';
import { BitmapPool } from './bitmap-pool.js';
import { heapUsedBytes } from './heap-used-bytes.js';
import { randomIntegers } from './random-integers.js';

const BLOCK_LENGTH = 26;
const ROUNDS = 300_000;
const COUNTERPART_ROUNDS = 100_000;
const HEAP_POOLS = 50;

/** What the product's pool and its naive counterpart have in common. */
interface BlockPool {
  allocate(): Cidr | undefined;
  free(block: Cidr): void;
}

/** The subnet pool beside a bitmap that is searched from its start; blocks are parsed and written by both. */
export const benchAllocation: Bench = {
  name: 'allocation',
  description: 'the subnet pool: allocate a whole /8, free and reallocate at random, memory by fragmentation',
  run: async (): Promise<BenchResult> => {
    // The first pass, over fewer blocks, lets the engine compile both sides; only the second is reported.
    measureAll(parseCidr('9.0.0.0/12'));
    return { measurements: measureAll(parseCidr('9.0.0.0/8')) };
  },
};

function measureAll(subnet: Cidr): readonly Measurement[] {
  return [
    measureFill(subnet),
    measureChurn(subnet, 'a full /8', 1),
    measureChurn(subnet, 'a half full, scattered /8', 0.5),
    measureHeap(),
  ];
}

function measureFill(subnet: Cidr): Measurement {
  return {
    what: 'allocate all 262,144 /26 of a /8',
    unit: 'ms',
    better: 'lower',
    product: fillMs(new SubnetPool(subnet, BLOCK_LENGTH)),
    counterpart: { name: 'bitmap scan', figure: fillMs(new BitmapPool(subnet, BLOCK_LENGTH)) },
    goal: 500,
  };
}

function measureChurn(subnet: Cidr, where: string, share: number): Measurement {
  return {
    what: `free and reallocate at random in ${where}`,
    unit: '1/s',
    better: 'higher',
    product: churnPerSecond(new SubnetPool(subnet, BLOCK_LENGTH), share, ROUNDS),
    counterpart: {
      name: 'bitmap scan',
      figure: churnPerSecond(new BitmapPool(subnet, BLOCK_LENGTH), share, COUNTERPART_ROUNDS),
    },
    goal: 500_000,
  };
}

/** The heap of a pool of 2^48 blocks of which a thousand are taken here and there. */
function measureHeap(): Measurement {
  const subnet = parseCidr('fd01:b::/48');
  const random = randomIntegers(1);
  const blocks = Array.from({ length: 1000 }, () => {
    const groups = [random(0x10000), random(0x10000), random(0x10000)].map((group) => group.toString(16));
    return parseCidr(`fd01:b:0:${groups.join(':')}::/96`);
  });
  const fragmentedPool = () => {
    const pool = new SubnetPool(subnet, 96);
    for (const block of blocks) pool.reserve(block);
    return pool;
  };
  // Many pools, the first before the count starts: one alone would drown in what the engine itself allocates.
  const pools = [fragmentedPool()];
  const before = heapUsedBytes();
  while (pools.length <= HEAP_POOLS) pools.push(fragmentedPool());
  const product = (heapUsedBytes() - before) / (pools.length - 1);
  return {
    what: 'heap of a /48 cut into /96 with 1,000 taken at random',
    unit: 'bytes',
    better: 'lower',
    product,
    counterpart: { name: 'one bit per block (computed)', figure: 2 ** 48 / 8 },
  };
}

function fillMs(pool: BlockPool): number {
  const startMs = performance.now();
  takeAll(pool);
  return performance.now() - startMs;
}

function takeAll(pool: BlockPool): Cidr[] {
  const blocks: Cidr[] = [];
  for (let block = pool.allocate(); block !== undefined; block = pool.allocate()) blocks.push(block);
  return blocks;
}

/** Rounds per second of freeing a random block and allocating one, in a pool of which `share` is taken at random. */
function churnPerSecond(pool: BlockPool, share: number, rounds: number): number {
  const random = randomIntegers(2);
  const taken: Cidr[] = [];
  for (const block of takeAll(pool)) {
    if (random(1000) < share * 1000) taken.push(block);
    else pool.free(block);
  }
  const startMs = performance.now();
  for (let round = 0; round < rounds; round += 1) {
    const at = random(taken.length);
    const leaving = taken[at];
    if (leaving === undefined) break;
    pool.free(leaving);
    const coming = pool.allocate();
    if (coming !== undefined) taken[at] = coming;
  }
  return (rounds * 1000) / (performance.now() - startMs);
}
