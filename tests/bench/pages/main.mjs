// How soon is a page there, how soon does it answer, and does it hold still? The marks browsers
// themselves measure (largest contentful paint, interaction to next paint, cumulative layout shift),
// in Chromium, of the three pages as a real analyzer serves them after the demo's replay.
//
// An interaction is a press or a key that somebody at work uses; INP is the slowest of a visit, as
// web.dev has it for fewer than fifty. Pages are judged by the 75th percentile of visits, as there.
//
// EPICENTER_BUILD_DIR: where the programs were built. Writes build/bench/pages.json.
//
// SPDX-License-Identifier: Apache-2.0

import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { launchChromium, openPage } from '../../browser/browser.mjs';
import { pause, settledDocument, startHouse } from '../../browser/house.mjs';

const build = process.env.EPICENTER_BUILD_DIR;
const scenario = fileURLToPath(new URL('../../fleetsim/scenarios/2005-pattern-2.594.00.json', import.meta.url));
const HOSTS = Number(process.argv[2] ?? 100_000); // the demo's
const VISITS = 12;
const SETTLED_MS = 1500; // for the course of the update and its charts
const BETWEEN_MS = 120; // somebody quick

const pages = [
  { name: 'operations', path: '/', scripts: 45_000, keys: ['Tab', 'ArrowLeft', 'ArrowLeft', 'ArrowRight'],
    press: ['.matrix thead button', '.matrix tbody button', '.opener[aria-expanded]', 'summary', 'button.more'],
    keyed: '[role=slider]' },
  { name: 'executives', path: '/executives', scripts: 15_000, keys: ['Tab', 'Tab'], press: ['summary'] },
  { name: 'support', path: '/support', scripts: 15_000, press: ['.place .opener'],
    keys: ['Escape', 'j', 'j', 'k', 'r', 'r', 'Enter', 'Escape', 'n', 'x', 'e', 'Escape'] },
];

function watchMarks() {
  window.marks = { paint: 0, shift: 0, interactions: {} };
  const { marks } = window;
  const observe = (type, take, options = {}) =>
    new PerformanceObserver((list) => list.getEntries().forEach(take)).observe({ type, buffered: true, ...options });
  observe('largest-contentful-paint', (entry) => (marks.paint = entry.startTime));
  observe('layout-shift', (entry) => (marks.shift += entry.hadRecentInput ? 0 : entry.value));
  observe('event', ({ interactionId, duration }) => {
    if (interactionId > 0) {
      marks.interactions[interactionId] = Math.max(marks.interactions[interactionId] ?? 0, duration);
    }
  }, { durationThreshold: 16 });
}

async function visit(browser, url, headers, page) {
  const opened = await openPage(browser, { viewport: { width: 1440, height: 900 }, reducedMotion: null, extraHTTPHeaders: headers });
  await opened.page.addInitScript(watchMarks);
  await opened.page.goto(url + page.path);
  await opened.page.locator('.freshness').waitFor();
  await pause(SETTLED_MS);
  const { paint, shift } = await opened.page.evaluate(() => window.marks);
  for (const selector of page.press) {
    const first = opened.page.locator(selector).first();
    if ((await first.count()) > 0) {
      await first.click();
      await pause(BETWEEN_MS);
    }
  }
  if (page.keyed) {
    await opened.page.locator(page.keyed).first().focus();
  }
  for (const key of page.keys) {
    await opened.page.keyboard.press(key);
    await pause(BETWEEN_MS);
  }
  await pause(300); // entries come a moment after the paint
  const durations = Object.values(await opened.page.evaluate(() => window.marks.interactions));
  await opened.close();
  return { paint, shift, slowest: Math.max(0, ...durations), interactions: durations.length };
}

const quantile = (values, share) => [...values].sort((a, b) => a - b)[Math.ceil(share * values.length) - 1];

// ---- The table ----

const rows = [];

function add(name, value, unit, goal = null) {
  const holds = goal === null || value <= goal;
  const said = goal === null ? '' : `≤ ${goal}: ${holds ? 'holds' : 'MISSED'}`;
  const text = value.toLocaleString('en-US', { maximumSignificantDigits: 4 });
  console.log(`  ${name.padEnd(62)} ${text.padStart(12)}  ${unit.padEnd(20)}${said}`.trimEnd());
  rows.push({ name, value, unit, goal, holds });
}

function addWeight(name, pattern, goal) {
  const assets = join(build, 'dashboards/assets');
  const files = readdirSync(assets).filter((file) => pattern.test(file));
  add(name, files.reduce((sum, file) => sum + statSync(join(assets, file)).size, 0), 'bytes, gzip', goal);
}

const house = await startHouse(build);
let browser;
try {
  console.log(`\nA replay of the incident of 2005, ${HOSTS.toLocaleString('en-US')} hosts, as in the demo`);
  await house.importRegistry(scenario, HOSTS);
  const url = await house.serve('analyzer');
  const headers = await house.keyHeaders();
  await house.replay(scenario, HOSTS);
  await settledDocument(url, headers, scenario);
  browser = await launchChromium();
  for (const page of pages) {
    console.log(`\n${page.name}: ${VISITS} visits with an empty cache`);
    const visits = [];
    for (let i = 0; i < VISITS; i++) {
      visits.push(await visit(browser, url, headers, page));
    }
    const of = (mark) => visits.map((one) => one[mark]);
    for (const [mark, title, goal] of [['paint', 'largest contentful paint', 1000], ['slowest', 'interaction to next paint', 100]]) {
      add(`${page.name}: ${title}, median`, quantile(of(mark), 0.5), 'ms');
      add(`${page.name}: ${title}, 75th percentile`, quantile(of(mark), 0.75), 'ms', goal);
      add(`${page.name}: ${title}, slowest`, Math.max(...of(mark)), 'ms');
    }
    add(`${page.name}: interactions a visit`, quantile(of('interactions'), 0.5), '1');
    add(`${page.name}: cumulative layout shift, largest`, Math.max(...of('shift')), '1', 0.02);
    addWeight(`${page.name}: script`, new RegExp(`^${page.name}-.*\\.js\\.gz$`), page.scripts);
  }
  addWeight('all pages: style', /^style-.*\.css\.gz$/, 10_000);
} finally {
  await browser?.close();
  await house.stop();
}
mkdirSync('build/bench', { recursive: true });
writeFileSync('build/bench/pages.json', `${JSON.stringify(rows, null, 1)}\n`);
console.log('\nbuild/bench/pages.json');
