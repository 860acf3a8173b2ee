#!/usr/bin/env node
// The image copies this file to /usr/local/bin/nas-scanner: a link would need a build step that runs something.
const entry = '/opt/nas-scanner/dist/cli/container.js';
await import(entry);
