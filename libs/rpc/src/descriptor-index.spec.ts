import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { describe, expect, it } from '@jest/globals';
import { indexDescriptors } from './descriptor-index.js';

const SET = create(FileDescriptorSetSchema, {
  file: [
    {
      name: 'app/service.proto',
      package: 'app',
      dependency: ['app/types.proto', 'app/base.proto'],
      service: [{ name: 'Greeter', method: [{ name: 'Greet' }] }],
    },
    {
      name: 'app/types.proto',
      package: 'app',
      dependency: ['app/base.proto'],
      messageType: [
        {
          name: 'Outer',
          field: [{ name: 'title' }],
          oneofDecl: [{ name: 'choice' }],
          nestedType: [{ name: 'Inner', field: [{ name: 'depth' }] }],
          enumType: [{ name: 'Color', value: [{ name: 'RED', number: 0 }] }],
        },
      ],
      enumType: [{ name: 'Level', value: [{ name: 'LOW', number: 0 }] }],
    },
    { name: 'app/base.proto', package: 'app', messageType: [{ name: 'Base' }] },
    { name: 'bare.proto', messageType: [{ name: 'Bare' }] },
  ],
});
const INDEX = indexDescriptors(toBinary(FileDescriptorSetSchema, SET));

function namesOf(files: readonly Uint8Array[]): readonly string[] {
  return files.map((file) => fromBinary(FileDescriptorProtoSchema, file).name);
}

describe('indexDescriptors', () => {
  it('finds every kind of symbol', () => {
    for (const symbol of ['app.Greeter', 'app.Greeter.Greet']) {
      expect(INDEX.fileOfSymbol(symbol)).toBe('app/service.proto');
    }
    const types = [
      'app.Outer',
      'app.Outer.title',
      'app.Outer.choice',
      'app.Outer.Inner',
      'app.Outer.Inner.depth',
      'app.Outer.Color',
      'app.Outer.RED',
      'app.Level',
      'app.LOW',
    ];
    for (const symbol of types)
      expect([symbol, INDEX.fileOfSymbol(symbol)]).toEqual([symbol, 'app/types.proto']);
  });

  it('finds symbols of a file without a package', () => {
    expect(INDEX.fileOfSymbol('Bare')).toBe('bare.proto');
  });

  it('knows nothing of other symbols', () => {
    for (const symbol of ['', 'app', 'Greeter', 'app.Other', 'constructor', '__proto__']) {
      expect(INDEX.fileOfSymbol(symbol)).toBeUndefined();
    }
  });

  it('gives a file with all of its imports, itself first and each once', () => {
    expect(namesOf(INDEX.filesNeededBy('app/service.proto'))).toEqual([
      'app/service.proto',
      'app/types.proto',
      'app/base.proto',
    ]);
    expect(namesOf(INDEX.filesNeededBy('app/base.proto'))).toEqual(['app/base.proto']);
  });

  it('gives nothing for an unknown file', () => {
    expect(INDEX.filesNeededBy('other.proto')).toEqual([]);
    expect(INDEX.filesNeededBy(undefined)).toEqual([]);
  });

  it('indexes an empty set', () => {
    expect(indexDescriptors(new Uint8Array()).fileOfSymbol('app.Outer')).toBeUndefined();
  });
});
