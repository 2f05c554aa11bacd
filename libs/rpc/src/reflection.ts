import { status } from '@grpc/grpc-js';
import {
  readDescriptorSet,
  type ServerReflectionRequest,
  type ServerReflectionResponse,
  ServerReflectionService,
  ServerReflectionServiceV1Alpha,
} from '@overlay/contracts';
import { type DescriptorIndex, indexDescriptors } from './descriptor-index.js';
import { type InternalErrorListener, implementService, type RpcService } from './service-handlers.js';

/**
 * The standard server reflection service, v1 and v1alpha (gRPC server reflection protocol), for the services
 * named. Serves the raw file descriptors of the contracts with every import, so that strict clients can build
 * a complete pool from it.
 */
export function reflectionServices(
  serviceNames: readonly string[],
  onInternalError: InternalErrorListener,
): readonly RpcService[] {
  const index = indexDescriptors(readDescriptorSet());
  async function* serverReflectionInfo(requests: AsyncIterable<ServerReflectionRequest>) {
    for await (const request of requests) yield answer(request, index, serviceNames);
  }
  return [
    implementService(ServerReflectionService, { serverReflectionInfo }, onInternalError),
    implementService(ServerReflectionServiceV1Alpha, { serverReflectionInfo }, onInternalError),
  ];
}

function answer(
  request: ServerReflectionRequest,
  index: DescriptorIndex,
  serviceNames: readonly string[],
): ServerReflectionResponse {
  return {
    validHost: request.host,
    originalRequest: request,
    messageResponse: respond(request, index, serviceNames),
  };
}

function respond(
  request: ServerReflectionRequest,
  index: DescriptorIndex,
  serviceNames: readonly string[],
): ServerReflectionResponse['messageResponse'] {
  const asked = request.messageRequest;
  switch (asked?.$case) {
    case 'listServices':
      return { $case: 'listServicesResponse', value: { service: serviceNames.map((name) => ({ name })) } };
    case 'fileByFilename':
      return files(index.filesNeededBy(asked.value), `file ${asked.value}`);
    case 'fileContainingSymbol':
      return files(index.filesNeededBy(index.fileOfSymbol(asked.value)), `symbol ${asked.value}`);
    case 'allExtensionNumbersOfType':
      return {
        $case: 'allExtensionNumbersResponse',
        value: { baseTypeName: asked.value, extensionNumber: [] },
      };
    case 'fileContainingExtension':
      return failure(status.NOT_FOUND, `${asked.value.containingType} has no extensions`);
    case undefined:
      return failure(status.INVALID_ARGUMENT, 'the reflection request asks for nothing');
  }
}

function files(found: readonly Uint8Array[], what: string): ServerReflectionResponse['messageResponse'] {
  if (found.length === 0) return failure(status.NOT_FOUND, `${what} is unknown`);
  return {
    $case: 'fileDescriptorResponse',
    value: { fileDescriptorProto: found.map((file) => Buffer.from(file)) },
  };
}

function failure(errorCode: number, errorMessage: string): ServerReflectionResponse['messageResponse'] {
  return { $case: 'errorResponse', value: { errorCode, errorMessage } };
}
