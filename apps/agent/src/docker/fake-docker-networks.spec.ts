import { describe } from '@jest/globals';
import { describeDockerNetworks } from '../../integration/docker-networks-contract.js';
import { FakeDockerNetworks } from './fake-docker-networks.js';

describe.each(['20.10.24+dfsg1', '28.0.1'])('a Docker engine %s in memory', (version) => {
  const docker = new FakeDockerNetworks();
  docker.engineVersion = version;
  describeDockerNetworks(() => ({
    docker,
    start: async (name, network, ip) => docker.start(name, network, ip),
    stop: async (name) => docker.stop(name),
    remove: async (name) => docker.removeContainer(name),
  }));
});
