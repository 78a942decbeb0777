// A real Chromium for the tests: how it is started, what it listens for, how a page is judged.
// playwright-core and axe-core come from dashboards/node_modules, where the lock file pins them.
//
// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';

const require = createRequire(new URL('../../dashboards/package.json', import.meta.url));
const { chromium } = require('playwright-core');
const axeSource = require('axe-core').source;

// What http_server.c sends with every answer; end_to_end.test.mjs holds the two equal.
export const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  'trusted-types lit-html',
].join('; ');

const axeTags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22a', 'wcag22aa', 'best-practice'];

export function launchChromium() {
  return chromium.launch({
    executablePath: process.env.EPICENTER_CHROMIUM ?? '/usr/bin/chromium',
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}

// A page that remembers everything it complained of.
export async function openPage(browser, options) {
  const context = await browser.newContext({ locale: 'en-GB', reducedMotion: 'reduce', ...options });
  const page = await context.newPage();
  const complaints = [];
  page.on('pageerror', (error) => complaints.push(`page error: ${error.message}`));
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') {
      complaints.push(`console ${message.type()}: ${message.text()}`);
    }
  });
  await page.exposeFunction('reportViolation', (text) => complaints.push(`CSP: ${text}`));
  await page.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (event) =>
      window.reportViolation(`${event.violatedDirective} blocked ${event.blockedURI} ${event.sample}`),
    );
  });
  return { page, complaints, close: () => context.close() };
}

export async function assertAccessible(page) {
  if (!(await page.evaluate(() => 'axe' in window))) {
    await page.evaluate(axeSource);
  }
  const result = await page.evaluate(
    (tags) => window.axe.run(document, { runOnly: { type: 'tag', values: tags }, resultTypes: ['violations'] }),
    axeTags,
  );
  const found = result.violations.map(
    (violation) => `${violation.id}: ${violation.nodes.map((node) => `${node.html}\n    ${node.failureSummary}`).join('\n  ')}`,
  );
  assert.deepEqual(found, [], 'axe-core finds nothing');
}

export async function assertNoOverflow(page) {
  const { wide, viewport } = await page.evaluate(() => ({
    wide: document.documentElement.scrollWidth,
    viewport: document.documentElement.clientWidth,
  }));
  assert.ok(wide <= viewport, `the page is ${wide} px wide in a window of ${viewport} px`);
}

// WCAG 1.4.12: text set as wide as readers may set it. A font wider than ours is like it.
export async function spaceText(page) {
  await page.evaluate(() => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync('* { letter-spacing: 0.12em !important; word-spacing: 0.16em !important; line-height: 1.5 !important; }');
    document.adoptedStyleSheets = [sheet];
  });
}

// WCAG 2.5.8: a target is at least 24 px either way; links within a sentence are exempt.
export async function assertTargets(page) {
  const small = await page.evaluate(() =>
    [...document.querySelectorAll('button, select, a, summary')]
      .map((element) => ({ text: element.textContent.trim().slice(0, 40), box: element.getBoundingClientRect() }))
      .filter(({ box }) => box.width > 0 && (box.width < 24 || box.height < 24))
      .map(({ text, box }) => `${text}: ${box.width} x ${box.height}`),
  );
  assert.deepEqual(small, [], 'every target is at least 24 px');
}
