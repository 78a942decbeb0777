// One visit to a page: the fixture server in a state, Chromium before it, and how the page is judged
// at each width. EPICENTER_PAGES_DIR: the directory build.mjs wrote. EPICENTER_SCREENSHOT_DIR: where
// pictures of all states go; none are taken without it.
//
// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { assertAccessible, assertNoOverflow, assertTargets, openPage, spaceText } from './browser.mjs';
import { startFixtureServer, states } from './fixture_server.mjs';

export const pagesDirectory = process.env.EPICENTER_PAGES_DIR;
const screenshotDirectory = process.env.EPICENTER_SCREENSHOT_DIR;
assert.ok(pagesDirectory, 'EPICENTER_PAGES_DIR names the built pages');

export const themes = ['light', 'dark'];
export const widths = [1440, 768, 390];
const extremes = [3840, 320]; // 320 is 1280 zoomed to 400 %
const breakPoints = [1216, 1120, 1024, 640]; // and beside them
const failedRequest = /Failed to load resource/;

const left = new Set(); // visits whose test failed before it could close them

// For after(): an open server would keep the test program from ending.
export async function leave(browser) {
  for (const close of [...left]) {
    await close();
  }
  await browser?.close();
}

// Opens `path` ("" for operations) in a state and waits until it is there.
// `among`: a visit at the same server before this one, as a colleague's.
export async function visit(browser, path, state, options = {}, settled = states[state].settled, among = null) {
  const server = among?.server ?? (await startFixtureServer(pagesDirectory, state));
  const opened = await openPage(browser, { viewport: { width: 1440, height: 900 }, ...options });
  const close = async () => {
    left.delete(close);
    await opened.close();
    await (among ? null : server.stop());
  };
  left.add(close);
  await opened.page.goto(server.url + path);
  // A page with answers meets its broken connection at the second poll, five seconds on.
  await opened.page.getByText(settled).first().waitFor({ timeout: 20_000 });
  return { ...opened, server, close };
}

export async function judge(page, name, theme, width) {
  await page.setViewportSize({ width, height: 900 });
  await assertNoOverflow(page);
  await assertTargets(page);
  await assertAccessible(page);
  if (screenshotDirectory) {
    mkdirSync(screenshotDirectory, { recursive: true });
    await page.screenshot({ path: join(screenshotDirectory, `${name}-${theme}-${width}.png`), fullPage: true });
  }
}

// The page in a state, judged in one theme at every width, without a complaint.
export async function judgeState(browser, path, state, theme, settled) {
  const { page, complaints, close } = await visit(browser, path, state, { colorScheme: theme }, settled);
  for (const width of widths) {
    await judge(page, `${path || 'operations'}-${state}`, theme, width);
  }
  for (const width of extremes) {
    await page.setViewportSize({ width, height: 900 });
    await assertNoOverflow(page);
    await assertTargets(page);
    await assertAccessible(page);
  }
  for (const width of breakPoints) {
    await page.setViewportSize({ width, height: 900 });
    await assertNoOverflow(page);
  }
  await spaceText(page);
  for (const width of [...widths, ...extremes, ...breakPoints]) {
    await page.setViewportSize({ width, height: 900 });
    await assertNoOverflow(page);
  }
  const unexpected = complaints.filter((text) => !(states[state].failing && failedRequest.test(text)));
  assert.deepEqual(unexpected, [], 'nothing was complained of');
  await close();
}
