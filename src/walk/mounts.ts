import { readFileSync } from 'node:fs';
import { decodeName } from './names.js';

const MOUNTINFO = '/proc/self/mountinfo';

/**
 * File systems whose operations are answered by this machine's kernel from a disk or from memory. All others
 * (FUSE, network mounts, what we have never heard of) may take long or for ever over any single operation.
 */
const LOCAL_TYPES = new Set([
  ...'ext2 ext3 ext4 xfs btrfs zfs f2fs jfs reiserfs bcachefs overlay aufs vfat exfat ntfs3'.split(' '),
  ...'squashfs iso9660 erofs udf tmpfs ramfs rootfs devtmpfs devpts proc sysfs cgroup cgroup2 mqueue'.split(
    ' ',
  ),
  ...'hugetlbfs securityfs debugfs tracefs pstore bpf configfs binfmt_misc fusectl nsfs'.split(' '),
]);

/** The mounted file systems as the kernel lists them, without touching any of them. */
export class MountTable {
  /** Mount point to file system type; of mounts on one point the last, which hides the others. */
  readonly #types: ReadonlyMap<string, string>;

  constructor(mountinfo: Buffer) {
    const types = new Map<string, string>();
    for (const line of mountinfo.toString('latin1').split('\n')) {
      const [left, right] = line.split(' - ');
      const point = left?.split(' ')[4];
      const type = right?.split(' ')[0];
      if (point !== undefined && type !== undefined) types.set(unescapePoint(point), type);
    }
    this.#types = types;
  }

  /** The present mounts; none where the kernel does not tell (then everything counts as not local). */
  static read(): MountTable {
    try {
      return new MountTable(readFileSync(MOUNTINFO));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === undefined) throw error;
      return new MountTable(Buffer.alloc(0));
    }
  }

  /** The type of the file system mounted exactly there, or undefined. */
  typeAt(path: string): string | undefined {
    return this.#types.get(path);
  }

  /** Whether a directory (absolute) and all that is mounted below it lie on local file systems. */
  isLocal(path: string): boolean {
    const prefix = path.endsWith('/') ? path : `${path}/`;
    for (const [point, type] of this.#types) {
      if (point.startsWith(prefix) && !LOCAL_TYPES.has(type)) return false;
    }
    return LOCAL_TYPES.has(this.#typeHolding(path) ?? '');
  }

  /**
   * Whether inode numbers below a directory identify files for as long as a scan takes. FUSE file systems may invent
   * them at each look (Unraid's shfs does), and what a server answers is not known.
   */
  hasStableInodes(path: string): boolean {
    return this.isLocal(path);
  }

  #typeHolding(path: string): string | undefined {
    for (let at = path; at.startsWith('/'); at = at.slice(0, Math.max(1, at.lastIndexOf('/')))) {
      const type = this.#types.get(at);
      if (type !== undefined || at === '/') return type;
    }
    return undefined;
  }
}

/** Space, tab, newline and backslash stand as three octal digits; all other bytes as they are. */
function unescapePoint(point: string): string {
  const raw = point.replace(/\\([0-7]{3})/g, (_all, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  );
  return decodeName(Buffer.from(raw, 'latin1'));
}
