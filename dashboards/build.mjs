// Bundles the pages into a directory: `node build.mjs DIRECTORY`.
//
// In: the pages, *.html, src/, and the API's description. Out: the pages in DIRECTORY, DIRECTORY/assets/ with a hash of the
// content in each name (so that a browser may keep them for ever) and, where that is smaller, a gzip
// copy beside each file; and DIRECTORY/pages_assets.c, the same bytes as C arrays with the table that
// analyzer/pages.c serves from. The same sources and the same node give the same bytes.
//
// SPDX-License-Identifier: Apache-2.0

import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const here = dirname(fileURLToPath(import.meta.url));
const pages = ['operations.html', 'executives.html', 'support.html'];
const description = 'openapi.json'; // of the API; the analyzer serves it beside the pages
const contentTypes = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
};

async function loadEsbuild() {
  try {
    return await import('esbuild');
  } catch {
    console.error(`dashboards: no esbuild in ${join(here, 'node_modules')}; run: npm ci --ignore-scripts --prefix ${here}`);
    process.exit(1);
  }
}

function hashOf(bytes) {
  return createHash('sha256').update(bytes).digest('hex').slice(0, 16);
}

// {name: "operations-<hash>.js", source: "operations.js", bytes}
function hashed(source, bytes) {
  const extension = extname(source);
  return { source, name: `${basename(source, extension)}-${hashOf(bytes)}${extension}`, bytes };
}

async function bundleAssets() {
  const esbuild = await loadEsbuild();
  const result = await esbuild.build({
    absWorkingDir: here,
    entryPoints: ['src/operations.ts', 'src/executives.ts', 'src/support.ts', 'src/style.css'],
    outdir: 'out',
    bundle: true,
    charset: 'utf8',
    format: 'esm',
    legalComments: 'none',
    minify: true,
    target: ['chrome111', 'firefox114', 'safari16.4'],
    write: false,
  });
  const bundled = result.outputFiles.map((file) => hashed(basename(file.path), Buffer.from(file.contents)));
  return [...bundled, hashed('icon.svg', readFileSync(join(here, 'src/icon.svg')))];
}

function fillPage(name, assets) {
  const template = readFileSync(join(here, name), 'utf8');
  const text = template.replace(/\{\{([^}]+)\}\}/g, (_, source) => {
    const asset = assets.find((candidate) => candidate.source === source);
    if (asset === undefined) {
      throw new Error(`${name} asks for ${source}, which the build does not give`);
    }
    return `/assets/${asset.name}`;
  });
  return { source: name, name, bytes: Buffer.from(text) };
}

function readDescription() {
  const text = JSON.stringify(JSON.parse(readFileSync(join(here, '../analyzer', description), 'utf8')));
  return { source: description, name: description, bytes: Buffer.from(text) };
}

// Level 9 without a time stamp; only where it helps.
function compressed(bytes) {
  const packed = gzipSync(bytes, { level: 9 });
  return packed.length < bytes.length ? packed : null;
}

function cArray(name, bytes) {
  const lines = [];
  for (let at = 0; at < bytes.length; at += 32) {
    lines.push(`    ${[...bytes.subarray(at, at + 32)].join(',')},`);
  }
  return `static const unsigned char ${name}[] = {\n${lines.join('\n')}\n};\n`;
}

function cSource(files) {
  const arrays = [];
  const rows = files.map((file, index) => {
    arrays.push(cArray(`bytes_${index}`, file.bytes));
    const gzip = file.gzip === null ? 'NULL, 0' : `gzip_${index}, sizeof(gzip_${index})`;
    if (file.gzip !== null) {
      arrays.push(cArray(`gzip_${index}`, file.gzip));
    }
    const type = contentTypes[extname(file.name)];
    return `    {"${file.name}", "${type}", "W/\\"${hashOf(file.bytes)}\\"", bytes_${index}, sizeof(bytes_${index}), ${gzip}},`;
  });
  return (
    '/* Made by dashboards/build.mjs; change the sources, not this. */\n' +
    '#include <stddef.h>\n\n#include "analyzer/pages.h"\n\n' +
    `${arrays.join('\n')}\nconst struct page_file page_files[] = {\n${rows.join('\n')}\n};\n` +
    'const size_t page_file_count = sizeof(page_files) / sizeof(page_files[0]);\n'
  );
}

async function build(directory) {
  const assets = await bundleAssets();
  const served = [...pages.map((page) => fillPage(page, assets)), readDescription()];
  const files = [...served, ...assets].map((file) => ({
    ...file,
    gzip: compressed(file.bytes),
  }));
  rmSync(join(directory, 'assets'), { recursive: true, force: true });
  mkdirSync(join(directory, 'assets'), { recursive: true });
  for (const file of files) {
    const path = join(directory, served.some(({ name }) => name === file.name) ? '.' : 'assets', file.name);
    writeFileSync(path, file.bytes);
    if (file.gzip !== null) {
      writeFileSync(`${path}.gz`, file.gzip);
    }
    const sizes = `${file.bytes.length} bytes${file.gzip === null ? '' : `, ${file.gzip.length} gzip`}`;
    console.log(`${file.source}: ${sizes}`);
  }
  writeFileSync(join(directory, 'pages_assets.c'), cSource(files));
}

if (process.argv.length !== 3) {
  console.error('usage: node build.mjs DIRECTORY');
  process.exit(2);
}
await build(resolve(process.argv[2]));
