import { fromBinary, toBinary } from '@bufbuild/protobuf';
import {
  type DescriptorProto,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
} from '@bufbuild/protobuf/wkt';

/** Where each symbol of a descriptor set is declared. */
export interface DescriptorIndex {
  /** Name of the file that declares a service, method, message, field, enum or value; `undefined` if none does. */
  fileOfSymbol(symbol: string): string | undefined;
  /** The encoded FileDescriptorProto of a file and of everything it imports, the file first; empty if unknown. */
  filesNeededBy(fileName: string | undefined): readonly Uint8Array[];
}

/** Indexes an encoded google.protobuf.FileDescriptorSet. */
export function indexDescriptors(encodedSet: Uint8Array): DescriptorIndex {
  const { file: files } = fromBinary(FileDescriptorSetSchema, encodedSet);
  const encoded = new Map(files.map((file) => [file.name, toBinary(FileDescriptorProtoSchema, file)]));
  const imports = new Map(files.map((file) => [file.name, file.dependency]));
  const declaredIn = new Map<string, string>();
  for (const file of files) {
    const declare = (name: string) => declaredIn.set(name, file.name);
    const scoped = (name: string) => (file.package === '' ? name : `${file.package}.${name}`);
    for (const service of file.service) {
      declare(scoped(service.name));
      for (const method of service.method) declare(scoped(`${service.name}.${method.name}`));
    }
    for (const message of file.messageType) declareMessage(scoped(message.name), message, declare);
    for (const enumeration of file.enumType) {
      declare(scoped(enumeration.name));
      for (const value of enumeration.value) declare(scoped(value.name));
    }
  }
  const filesNeededBy = (fileName: string | undefined): readonly Uint8Array[] => {
    const order: string[] = fileName === undefined ? [] : [fileName];
    const seen = new Set(order);
    for (const name of order) {
      for (const dependency of imports.get(name) ?? []) {
        if (!seen.has(dependency)) {
          seen.add(dependency);
          order.push(dependency);
        }
      }
    }
    return order.map((name) => encoded.get(name)).filter((bytes) => bytes !== undefined);
  };
  return { fileOfSymbol: (symbol) => declaredIn.get(symbol), filesNeededBy };
}

function declareMessage(name: string, message: DescriptorProto, declare: (name: string) => void): void {
  declare(name);
  for (const field of message.field) declare(`${name}.${field.name}`);
  for (const nested of message.nestedType) declareMessage(`${name}.${nested.name}`, nested, declare);
  for (const oneof of message.oneofDecl) declare(`${name}.${oneof.name}`);
  for (const enumeration of message.enumType) {
    declare(`${name}.${enumeration.name}`);
    for (const value of enumeration.value) declare(`${name}.${value.name}`);
  }
}
