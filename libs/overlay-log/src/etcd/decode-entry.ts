import { isFailure, OverlayError } from '@overlay/failure';
import type { LogRecord, LogRecordRef } from '@overlay/model';
import { decodeRecord } from '../log-codec.js';
import { refOfKey } from '../log-keys.js';
import type { EtcdKeys } from './etcd-keys.js';

/**
 * The record of an entry that stands in etcd.
 * @throws OverlayError `data_loss` naming the key in etcd, the prefix and the way out.
 */
export function decodeEntry(entry: string, value: string, keys: EtcdKeys): LogRecord {
  return explained(entry, keys, () => decodeRecord(entry, value));
}

/**
 * What a key in etcd stands for.
 * @throws OverlayError `data_loss` as {@link decodeEntry}.
 */
export function refOfEntry(entry: string, keys: EtcdKeys): LogRecordRef {
  return explained(entry, keys, () => refOfKey(entry));
}

function explained<T>(entry: string, keys: EtcdKeys, read: () => T): T {
  try {
    return read();
  } catch (thrown) {
    if (!isFailure(thrown, 'data_loss')) throw thrown;
    const key = keys.at(entry).toString();
    const stranger = `if it belongs to something else, remove it (etcdctl del ${key}) or give the log a prefix of its own instead of ${keys.prefix}`;
    const message = `${thrown.message} (${key} in etcd); ${stranger}; else restore the log from a backup`;
    throw new OverlayError('data_loss', message, { cause: thrown });
  }
}
