import { isFailure, toOverlayError } from '@overlay/failure';
import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { down } from './down.js';
import { logs } from './logs.js';
import { DEFAULT_NAME, planPlaces } from './places.js';
import { DEFAULT_HOSTS, MAX_CLUSTER_HOSTS } from './stack/compose-file.js';
import { createTeller } from './teller.js';
import { test } from './test.js';
import { up } from './up.js';

interface NameFlag {
  readonly name: string;
}

interface UpFlags extends NameFlag {
  readonly hosts: number;
  readonly docker?: boolean;
  readonly ownEngine?: boolean;
}

const program = new Command('npm run cluster --')
  .description('The docker-compose cluster: three etcd, three masters and hosts of real containers.')
  .enablePositionalOptions()
  .showHelpAfterError()
  .exitOverride();
const teller = createTeller(process.stdout);

command('up', 'build what is missing, start everything, wait until it is healthy')
  .option('--hosts <n>', `number of hosts, 2 to ${MAX_CLUSTER_HOSTS}`, parseHosts, DEFAULT_HOSTS)
  .option('--docker', 'a Docker Engine on every host, which starts the containers on the Docker half')
  .option('--own-engine', 'an engine of its own even if one answers; so is it where CI is set')
  .action((flags: UpFlags) =>
    attempt(async () => {
      const ownEngine = flags.ownEngine === true || (process.env.CI ?? '') !== '';
      await up(
        planPlaces(flags.name),
        { hosts: flags.hosts, docker: flags.docker === true, ownEngine },
        teller,
      );
      return true;
    }),
  );
command('test', 'try everything from the outside, faults included').action((flags: NameFlag) =>
  attempt(() => test(planPlaces(flags.name), teller)),
);
command('down', 'remove every container, network, volume, interface and rule').action((flags: NameFlag) =>
  attempt(async () => {
    await down(planPlaces(flags.name), teller);
    return true;
  }),
);
command('logs', 'what containers logged; arguments go to compose: -f, --tail 20, agent-1')
  .argument('[arguments...]')
  .passThroughOptions()
  .allowUnknownOption()
  .action((args: readonly string[], flags: NameFlag) =>
    attempt(async () => (await logs(planPlaces(flags.name), args)) === 0),
  );

try {
  await program.parseAsync();
} catch (thrown) {
  process.exitCode = exitCodeFor(thrown);
}

function command(name: string, description: string): Command {
  return program
    .command(name)
    .description(description)
    .option('--name <name>', 'which cluster', DEFAULT_NAME);
}

async function attempt(action: () => Promise<boolean>): Promise<void> {
  process.exitCode = (await action()) ? 0 : 1;
}

/** 0 for help, 2 for a wrong command line, which commander has explained, 1 for what failed. */
function exitCodeFor(thrown: unknown): number {
  if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? 0 : 2;
  process.stderr.write(`cluster: ${toOverlayError(thrown).message}\n`);
  return isFailure(thrown, 'invalid_argument') ? 2 : 1;
}

function parseHosts(text: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count >= 2 && count <= MAX_CLUSTER_HOSTS) return count;
  throw new InvalidArgumentError(`a whole number from 2 to ${MAX_CLUSTER_HOSTS} is wanted.`);
}
