import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Plants `folders` directories (some nested) with `filesEach` tiny files: enough to be in the middle of. */
export function plantManyFiles(root: string, folders: number, filesEach: number): void {
  for (let folder = 0; folder < folders; folder++) {
    const path = join(root, `top-${folder % 7}`, `folder-${folder}`, folder % 3 === 0 ? 'nested' : '.');
    mkdirSync(path, { recursive: true });
    for (let file = 0; file < filesEach; file++)
      writeFileSync(join(path, `file-${file}.dat`), `${folder}/${file}`);
  }
}
