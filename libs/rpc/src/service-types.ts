/** A method as the generated service definitions describe it. */
export interface MethodShape {
  readonly path: string;
  readonly requestStream: boolean;
  readonly responseStream: boolean;
  // The generated functions accept one message type each; only a bivariant `never`/`unknown` pair covers all.
  readonly requestSerialize: (value: never) => Buffer;
  readonly requestDeserialize: (value: Buffer) => unknown;
  readonly responseSerialize: (value: never) => Buffer;
  readonly responseDeserialize: (value: Buffer) => unknown;
}

/** A generated service definition, for example `MasterServiceService`. */
export type ServiceShape = Readonly<Record<string, MethodShape>>;

/** The request message of a method. */
export type RequestOf<M extends MethodShape> = ReturnType<M['requestDeserialize']>;

/** The response message of a method. */
export type ResponseOf<M extends MethodShape> = ReturnType<M['responseDeserialize']>;

/** The full name of a service, for example `overlay.v1.MasterService`, taken from its methods' paths. */
export function serviceName(definition: ServiceShape): string {
  const [method] = Object.values(definition);
  return method?.path.split('/')[1] ?? '';
}
