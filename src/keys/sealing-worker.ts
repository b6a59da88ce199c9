import { parentPort, workerData } from 'node:worker_threads';
import { attributeKeyIndex, blindIndex } from './blind-index';
import { type SealingCipher, seal, sealWith } from './sealing';
import { KEY_BYTES, type Made, type Sent, type Task } from './sealing-thread';

function make(task: Task, keys: Uint8Array): Made {
  const key = Buffer.from(keys.buffer, keys.byteOffset + task[1] * KEY_BYTES, KEY_BYTES);
  switch (task[0]) {
    case 'seal':
      return seal(key, task[2], task[3]);
    case 'blindIndex':
      return blindIndex(key, task[2]);
    case 'attributeKeyIndex':
      return attributeKeyIndex(key, task[2], task[3]);
  }
}

sealWith(workerData as SealingCipher);

/** The program of {@link SealingThread}. An error ends it, and its pending batches fail. */
parentPort?.on('message', ({ keys, tasks }: Sent) => {
  const made = (JSON.parse(tasks) as Task[]).map((task) => make(task, keys));
  keys.fill(0);
  parentPort?.postMessage(made);
});
