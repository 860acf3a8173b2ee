import { dirname, relative } from 'node:path';

/**
 * What Node is started with, of what tsc has made: each is bundled with all it needs. To load some 250 modules one by one
 * took half of the time until a scan began. What is not named here stays as tsc has made it.
 */
const PROGRAMS = [
  'cli/main',
  'cli/container',
  'cli/healthcheck',
  'journal/survey-thread',
  'projections/diagnosis/condense-thread',
  'projections/follower-thread',
  'projections/record-feed-thread',
  'src/plan/measure-helper',
  'src/walk/async-helper',
  'src/walk/sync-thread',
];

/** Native code finds its files beside itself; the others are loaded only by who needs them. */
const LEFT_OUT = ['better-sqlite3', '@napi-rs/blake-hash', 'dockerode', 'fast-glob'];

/** A module finds others by its own place (`new URL('./x.js', import.meta.url)`); a bundle says which place that was. */
const placesOfModules = {
  name: 'places-of-modules',
  transform(code, id) {
    const place = relative(import.meta.dirname, id);
    if (!place.startsWith('dist/') || !code.includes('import.meta.url')) return null;
    return code.replaceAll('import.meta.url', `new URL('module-at(${place})', import.meta.url).href`);
  },
  renderChunk(code, { fileName }) {
    return code.replaceAll(/module-at\((.+?)\)/g, (_, place) => relative(dirname(`dist/${fileName}`), place));
  },
};

export default {
  input: Object.fromEntries(PROGRAMS.map((program) => [program, `dist/${program}.js`])),
  platform: 'node',
  external: LEFT_OUT.map((name) => new RegExp(`^${name}(/|$)`)),
  plugins: [placesOfModules],
  output: {
    dir: 'dist',
    entryFileNames: '[name].js',
    chunkFileNames: 'chunks/[name]-[hash].js',
    hoistTransitiveImports: false,
  },
};
