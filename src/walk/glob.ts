import { WalkError } from './errors.js';
import type { Step, Taker } from './glob-machine.js';

/** No path that the kernel takes at once is longer; and a pattern without end takes all memory to compile. */
const GLOB_CHARS_MAX = 4096;

/** One member of a set, except a range: quoted, a class such as `[:digit:]`, or itself. */
const MEMBER = String.raw`(?:\\[^/]|\[:[a-z]*:\]|[^\]\\/])`;
/** `[…]`: a `]` that comes first does not end it, and none reaches across a slash. */
const SET = String.raw`\[(?:[!^](?:\]|${MEMBER})|\]|(?![!^])${MEMBER})${MEMBER}*\]`;
/** What a glob consists of: stars, a character that a backslash quotes, a set, or one character. */
const PIECE = new RegExp(String.raw`\*{2,}/|\*+|\\.|${SET}|.`, 'gsu');
const SET_MEMBER = /\[:([a-z]*):\]|(\\.|.)(?:-(?!\[:)(\\.|.))?/gsu;

/** The classes of POSIX, as members of a set of a regular expression. */
const CLASSES: Readonly<Record<string, string>> = {
  alnum: '\\p{L}\\p{N}',
  alpha: '\\p{L}',
  blank: ' \\t',
  cntrl: '\\p{Cc}',
  digit: '0-9',
  graph: '\\p{L}\\p{M}\\p{N}\\p{P}\\p{S}',
  lower: '\\p{Ll}',
  print: '\\p{L}\\p{M}\\p{N}\\p{P}\\p{S} ',
  punct: '\\p{P}\\p{S}',
  space: '\\s',
  upper: '\\p{Lu}',
  xdigit: '0-9A-Fa-f',
};

function piecesOf(glob: string): string[] {
  return glob.match(PIECE) ?? [];
}

/** What braces and commas stand for, by the place of the piece: nothing but themselves without a partner or a comma. */
function groupsOf(pieces: readonly string[]): Map<number, 'open' | 'or' | 'close'> {
  const roles = new Map<number, 'open' | 'or' | 'close'>();
  const open: { at: number; commas: number[] }[] = [];
  for (const [at, piece] of pieces.entries()) {
    if (piece === '{') open.push({ at, commas: [] });
    else if (piece === ',') open.at(-1)?.commas.push(at);
    else if (piece === '}') {
      const group = open.pop();
      if (group === undefined || group.commas.length === 0) continue;
      roles.set(group.at, 'open').set(at, 'close');
      for (const comma of group.commas) roles.set(comma, 'or');
    }
  }
  return roles;
}

/**
 * What `globs` take, as one program: `*`, `?`, `[a-z]`, `[!a-z]`, `[[:digit:]]` and `\` as in fnmatch(3), none of them
 * across a slash; `**` as a whole name across directories; `{a,b}` for either, also nested.
 * @throws WalkError `bad-glob` where one can mean nothing
 */
export function globProgram(globs: readonly string[]): Step[] {
  const program = new Program();
  program.open();
  for (const [at, glob] of globs.entries()) {
    if (at > 0) program.or();
    compile(glob, program);
  }
  program.close();
  return program.finish();
}

function compile(glob: string, program: Program): void {
  if (glob.length > GLOB_CHARS_MAX) {
    throw new WalkError('bad-glob', `it has more than ${GLOB_CHARS_MAX} characters`);
  }
  const pieces = piecesOf(glob);
  const roles = groupsOf(pieces);
  for (const [at, piece] of pieces.entries()) {
    const role = roles.get(at);
    if (role !== undefined) program[role]();
    else if (piece.startsWith('**')) severalStars(piece, program);
    else if (piece === '*') program.star(noSlash);
    else program.take(takerOf(piece));
  }
}

const any: Taker = { takes: () => true, tells: [] };
const noSlash: Taker = { takes: (char) => char !== '/', tells: ['/'] };
const slash = itself('/');

function itself(only: string): Taker {
  return { takes: (char) => char === only, tells: [only] };
}

/** Two stars that are not the whole of a name are one. */
function severalStars(piece: string, program: Program): void {
  const folder = piece.endsWith('/');
  program.open();
  program.edge('before');
  if (folder) {
    program.open();
    program.star(any);
    program.take(slash);
    program.or();
    program.close();
  } else {
    program.star(any);
    program.edge('after');
  }
  program.or();
  program.star(noSlash);
  if (folder) program.take(slash);
  program.close();
}

/** Writes steps one after another; `open`, `or` and `close` stand around ways of which any may be taken. */
class Program {
  readonly #steps: Step[] = [];
  readonly #groups: { ways: number[]; ends: number[][] }[] = [];

  take(taker: Taker): void {
    this.#steps.push({ kind: 'take', taker });
  }

  edge(of: 'before' | 'after'): void {
    this.#steps.push({ kind: 'edge', of });
  }

  /** Any number of such characters. */
  star(taker: Taker): void {
    const at = this.#steps.length;
    this.#steps.push({ kind: 'fork', to: [at + 1, at + 3] });
    this.take(taker);
    this.#steps.push({ kind: 'fork', to: [at] });
  }

  open(): void {
    const ways = this.#fork();
    ways.push(this.#steps.length);
    this.#groups.push({ ways, ends: [] });
  }

  or(): void {
    const group = this.#groups.at(-1);
    group?.ends.push(this.#fork());
    group?.ways.push(this.#steps.length);
  }

  close(): void {
    for (const end of this.#groups.pop()?.ends ?? []) end.push(this.#steps.length);
  }

  finish(): Step[] {
    return [...this.#steps, { kind: 'accept' }];
  }

  #fork(): number[] {
    const to: number[] = [];
    this.#steps.push({ kind: 'fork', to });
    return to;
  }
}

/** Which character a piece takes that stands for one. */
function takerOf(piece: string): Taker {
  if (piece === '?') return noSlash;
  if (piece === '\\') throw new WalkError('bad-glob', 'it ends in a backslash that quotes nothing');
  if (piece.length > 1 && piece.startsWith('[')) {
    const set = new RegExp(`^${setSource(piece)}$`, 'su');
    return { takes: (char) => set.test(char), tells: null };
  }
  return itself(unquoted(piece));
}

/** The character itself. */
function unquoted(piece: string): string {
  return piece.length > 1 && piece.startsWith('\\') ? piece.slice(1) : piece;
}

function setSource(set: string): string {
  const isNot = /^\[[!^]/.test(set);
  const members = set.slice(isNot ? 2 : 1, -1).matchAll(SET_MEMBER);
  const source = Array.from(members, ([member, name, from = '', to]) => {
    if (name !== undefined) return classSource(name);
    const [first, last] = [codeOf(from), codeOf(to ?? from)];
    if (first > last) throw new WalkError('bad-glob', `the range ${member} runs backwards`);
    return `\\u{${first.toString(16)}}-\\u{${last.toString(16)}}`;
  }).join('');
  return isNot ? `[^/${source}]` : `(?!/)[${source}]`;
}

function codeOf(member: string): number {
  return unquoted(member).codePointAt(0) ?? 0;
}

function classSource(name: string): string {
  const source = CLASSES[name];
  if (source === undefined) throw new WalkError('bad-glob', `there is no class [:${name}:]`);
  return source;
}

/** The globs of a list that commas part, except those that are quoted or stand in `{…}` or `[…]`. */
export function splitGlobs(list: string): string[] {
  const pieces = piecesOf(list);
  const roles = groupsOf(pieces);
  const globs = [''];
  for (const [at, piece] of pieces.entries()) {
    if (piece === ',' && !roles.has(at)) globs.push('');
    else globs.push(`${globs.pop() ?? ''}${piece}`);
  }
  return globs;
}
