import { integerToAddress, parseIpAddress, parseMacAddress } from '@overlay/allocation';
import { vtepMac } from '@overlay/model';

const OUI = parseMacAddress('70:b3:d5:00:00:00');
/** 44.128.0.1 and 10.64.0.1 as numbers. */
const FIRST_VTEP = 0x2c_80_00_01;
const FIRST_ADDRESS = 0x0a_40_00_01;

/** An export of a cluster of gateways, three records each, that takes several commits to import. */
export function largeExport(nodes: number): string {
  const entries = [
    entry('address-space', { vtepSubnet: '44.128.0.0/12', vtepMacOui: OUI }),
    ...Array.from({ length: nodes }, (_, index) => nodeEntries(index)).flat(),
  ];
  const header = {
    export: 'overlay-log',
    format: '1',
    revision: '7',
    exportedAt: '2026-03-01T12:00:00.000Z',
    records: entries.length,
  };
  return `${[JSON.stringify(header), ...entries].join('\n')}\n`;
}

function nodeEntries(index: number): readonly string[] {
  const nodeId = `node-${index}`;
  const ip = integerToAddress(4, BigInt(FIRST_ADDRESS + index));
  const vtepIp = integerToAddress(4, BigInt(FIRST_VTEP + index));
  const mac = vtepMac(OUI, parseIpAddress(vtepIp));
  return [
    entry(`node/${nodeId}`, { id: nodeId, ip, vtepIp, vtepMac: mac, networks: [], attributes: {} }),
    entry(`claim/vtep/${vtepIp}`, { nodeId }),
    entry(`claim/node-ip/${ip}`, { nodeId }),
  ];
}

function entry(key: string, record: unknown): string {
  return JSON.stringify({ key, record });
}
