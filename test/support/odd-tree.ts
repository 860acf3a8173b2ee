import { mkdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const BIG_FILE_BYTES = 11 * 1024 * 1024;

/** One folder and one file whose names are no valid UTF-8. */
export const RAW_FOLDER = Buffer.from('raw-\xff\xfe', 'latin1');
export const RAW_FILE = Buffer.from('caf\xe9\\back.JPG', 'latin1');

/** A small tree with everything that catalogs get wrong: 30 files in 10 folders. */
export function plantOddTree(root: string): void {
  const file = (path: string, content: string | Buffer = path): void => {
    mkdirSync(join(root, path, '..'), { recursive: true });
    writeFileSync(join(root, path), content);
  };
  file('loose in the root.txt');
  file('.bashrc', '');
  file('name.', 'x');
  file('.hidden/inside.tar.GZ');
  file('Photos/IMG_1.JPG', Buffer.alloc(70_000, 7));
  file('Photos/2024/deep/er/clip.MKV', Buffer.alloc(BIG_FILE_BYTES, 'clip'));
  file('Photos/2024/emoji 🎞 \u0301.heic');
  file('Photos/quote\'s "and" $(touch x) `y`.png');
  file('Music/line\nbreak.mp3');
  file('Music/tab\there.flac');
  file('Music/\u001b[31m.ogg');
  file(`Music/${'n'.repeat(251)}.wav`);
  file('Documents/a:b,c=d.pdf');
  file('Documents/-rf');
  file('Documents/back\\slash.docx');
  file('Documents/ leading and trailing ');
  file('Disks/vm.ISO', '');
  for (let index = 0; index < 12; index++) file(`Many/file-${index}.bin`, Buffer.alloc(index * 100));
  mkdirSync(join(root, 'Empty/below'), { recursive: true });
  symlinkSync('../Photos', join(root, 'Documents/link to a folder'));
  symlinkSync('nowhere', join(root, 'Documents/dangling'));
  const raw = Buffer.concat([Buffer.from(`${root}/`), RAW_FOLDER]);
  mkdirSync(raw);
  writeFileSync(Buffer.concat([raw, Buffer.from('/'), RAW_FILE]), 'raw name');
  utimesSync(join(root, 'name.'), 1_700_000_000.5, 1_700_000_000.5);
}
