import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import ts from 'typescript';

export const PROJECT = resolve(import.meta.dirname, '../..');
const SOURCE_FOLDERS = ['journal', 'projections', 'src', 'cli'] as const;

/** How one file names another: `static` is loaded with it, `later` on demand, `type` never. */
export type ImportKind = 'static' | 'later' | 'type';

export interface Import {
  /** A file of ours relative to the project (`journal/record.ts`), or a package's name, or `node:…`. */
  target: string;
  kind: ImportKind;
  /** The program of a thread or a process, not a module of this one. */
  isProgram: boolean;
}

export interface Module {
  /** Relative to the project, with `/`. */
  path: string;
  text: string;
  imports: Import[];
}

/** Files below a folder of the project whose name ends so, relative to the project. */
export function filesBelow(folder: string, ending: string): string[] {
  return readdirSync(join(PROJECT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(ending))
    .map((name) => `${folder}/${name}`)
    .sort();
}

/** Every source file of the program with what it imports. */
export function readModules(): Map<string, Module> {
  const paths = SOURCE_FOLDERS.flatMap((folder) => filesBelow(folder, '.ts'));
  return new Map(paths.map((path) => [path, readModule(path)]));
}

function readModule(path: string): Module {
  const text = readFileSync(join(PROJECT, path), 'utf8');
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.ES2023, true);
  const imports: Import[] = [];
  const add = (specifier: ts.Node | undefined, kind: ImportKind, isProgram = false): void => {
    if (specifier && ts.isStringLiteralLike(specifier))
      imports.push({ target: targetOf(path, specifier.text), kind, isProgram });
  };
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node))
      add(node.moduleSpecifier, isTypeOnly(node.importClause) ? 'type' : 'static');
    else if (ts.isExportDeclaration(node)) add(node.moduleSpecifier, node.isTypeOnly ? 'type' : 'static');
    else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument))
      add(node.argument.literal, 'type');
    else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword)
      add(node.arguments[0], 'later');
    else if (ts.isNewExpression(node) && node.expression.getText(source) === 'URL' && isModuleUrl(node))
      add(node.arguments?.[0], 'later', true);
    ts.forEachChild(node, visit);
  };
  visit(source);
  return { path, text, imports };
}

function isTypeOnly(clause: ts.ImportClause | undefined): boolean {
  if (clause === undefined) return false;
  if (clause.phaseModifier === ts.SyntaxKind.TypeKeyword) return true;
  const bindings = clause.namedBindings;
  if (clause.name !== undefined || bindings === undefined || !ts.isNamedImports(bindings)) return false;
  return bindings.elements.length > 0 && bindings.elements.every((element) => element.isTypeOnly);
}

function isModuleUrl(node: ts.NewExpression): boolean {
  const first = node.arguments?.[0];
  return first !== undefined && ts.isStringLiteralLike(first) && /^\.{1,2}\/.*\.js$/.test(first.text);
}

function targetOf(from: string, specifier: string): string {
  if (specifier.startsWith('.')) {
    const at = relative(PROJECT, resolve(PROJECT, from, '..', specifier));
    return at.replace(/\.js$/, '.ts');
  }
  if (specifier.startsWith('node:')) return specifier;
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

/** All files (and packages) that loading `entry` loads, by the kinds given. */
export function reachable(
  modules: ReadonlyMap<string, Module>,
  entries: readonly string[],
  kinds: readonly ImportKind[],
): Set<string> {
  const seen = new Set<string>();
  const waiting = [...entries];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (seen.has(next)) continue;
    seen.add(next);
    for (const each of modules.get(next)?.imports ?? [])
      if (kinds.includes(each.kind)) waiting.push(each.target);
  }
  return seen;
}
