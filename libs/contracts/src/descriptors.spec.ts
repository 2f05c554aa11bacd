import { fromBinary } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { describe, expect, it } from '@jest/globals';
import { readDescriptorSet } from './descriptors.js';
import {
  AgentServiceService,
  DataplaneServiceService,
  HealthService,
  IpamServiceService,
  MasterServiceService,
  NetworkServiceService,
  ServerReflectionService,
  ServerReflectionServiceV1Alpha,
} from './index.js';

const SERVICES = [
  AgentServiceService,
  DataplaneServiceService,
  HealthService,
  IpamServiceService,
  MasterServiceService,
  NetworkServiceService,
  ServerReflectionService,
  ServerReflectionServiceV1Alpha,
];

const FILES = fromBinary(FileDescriptorSetSchema, readDescriptorSet()).file;

describe('the descriptor set', () => {
  it('has every method of the generated services, and streams where they do', () => {
    const described = FILES.flatMap((file) =>
      file.service.flatMap((service) =>
        service.method.map((method) => ({
          path: `/${file.package}.${service.name}/${method.name}`,
          requestStream: method.clientStreaming,
          responseStream: method.serverStreaming,
        })),
      ),
    );
    const generated = SERVICES.flatMap((service) =>
      Object.values(service).map(({ path, requestStream, responseStream }) => ({
        path,
        requestStream,
        responseStream,
      })),
    );
    expect(generated.length).toBeGreaterThan(30);
    expect(described).toEqual(expect.arrayContaining(generated));
    expect(described).toHaveLength(generated.length);
  });

  it('has every file that another one imports', () => {
    const names = new Set(FILES.map(({ name }) => name));
    const missing = FILES.flatMap(({ dependency }) => dependency.filter((name) => !names.has(name)));
    expect(missing).toEqual([]);
  });
});
