// The whole path in a browser: a simulated fleet reports to a real collector, a real analyzer reads
// PostgreSQL, and the page says what the API says. Then the database goes, and the analyzer, and the
// page says so.
//
// EPICENTER_BUILD_DIR: where the programs were built. EPICENTER_SCREENSHOT_DIR: as in
// operations.test.mjs.
//
// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { assertAccessible, assertNoOverflow, assertTargets, contentSecurityPolicy, launchChromium, openPage } from './browser.mjs';
import { pause, settledDocument, startHouse } from './house.mjs';

const buildDirectory = process.env.EPICENTER_BUILD_DIR;
const screenshotDirectory = process.env.EPICENTER_SCREENSHOT_DIR;
assert.ok(buildDirectory, 'EPICENTER_BUILD_DIR names the built programs');

const scenario = fileURLToPath(new URL('../fleetsim/scenarios/2005-pattern-2.594.00.json', import.meta.url));
const HOSTS = 3000; // enough for a verdict of hold; the whole replay takes seconds

let house;
let browser;
let url;
let headers; // with a key

before(async () => {
  house = await startHouse(buildDirectory);
  await house.importRegistry(scenario, HOSTS);
  url = await house.serve('analyzer');
  headers = await house.keyHeaders();
  browser = await launchChromium();
}, { timeout: 120_000 });

after(async () => {
  await browser?.close();
  await house?.stop();
});

// Comes in by a link, to the page of the role.
async function open(role = 'operations', name = role) {
  const opened = await openPage(browser, { viewport: { width: 1440, height: 900 }, colorScheme: 'light' });
  await opened.page.goto(await house.signInLink(url, role, name));
  return opened;
}

async function picture(page, name) {
  if (screenshotDirectory) {
    mkdirSync(screenshotDirectory, { recursive: true });
    await page.screenshot({ path: join(screenshotDirectory, `end-to-end-${name}.png`), fullPage: true });
  }
}

const observed = (affected) => affected.confirmed + affected.probable;
const grouped = new Intl.NumberFormat('en-GB');

describe('the way in', () => {
  it('is a form that works by keyboard, says what is wrong, and leads to where one was going', async () => {
    await house.addAccount('Ann', 'support', 'correct horse battery');
    for (const colorScheme of ['light', 'dark']) {
      const { page, complaints, close } = await openPage(browser, { colorScheme });
      await page.goto(`${url}/executives?from=mail`);
      assert.equal(new URL(page.url()).pathname, '/sign-in');
      await page.locator('input:not([type=password]):focus').waitFor();
      await page.keyboard.type('Ann');
      await page.keyboard.press('Tab');
      await page.keyboard.type('correct horse');
      await page.keyboard.press('Enter');
      await page.getByRole('alert').getByText('do not match').waitFor();
      for (const width of [1440, 768, 390, 320]) {
        await page.setViewportSize({ width, height: 900 });
        await assertNoOverflow(page);
        await assertTargets(page);
        await assertAccessible(page);
        await picture(page, `sign-in-${colorScheme}-${width}`);
      }
      await page.locator('input[type=password]:focus').waitFor();
      await page.keyboard.type('correct horse battery');
      await page.keyboard.press('Enter');
      await page.waitForURL(`${url}/executives?from=mail`);
      const [cookie] = await page.context().cookies();
      assert.deepEqual([cookie.name, cookie.httpOnly, cookie.secure, cookie.sameSite, cookie.expires],
        ['__Host-epicenter', true, true, 'Strict', -1]);
      assert.deepEqual(complaints.filter((text) => !/403|503/.test(text)), []);
      await close();
    }
  });

  it('needs no script, and is the way out again', async () => {
    const { page, close } = await openPage(browser, { javaScriptEnabled: false });
    await page.goto(url);
    await page.getByLabel('Name').fill('Ann');
    await page.getByLabel('Password').fill('correct horse battery');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.waitForURL(`${url}/support`);
    await close();
    const opened = await open('support', 'Bob');
    const again = await opened.page.request.get(`${url}/v1/me`, { headers: { Cookie: '' } });
    assert.equal(again.status(), 401);
    await opened.close();
  });

  it('tells who may not see a page where to go instead', async () => {
    const { page, close } = await open('executive', 'Cleo');
    await page.goto(`${url}/support`);
    await page.getByText('You are signed in as Cleo, and this page is not for executive.').waitFor();
    await assertTargets(page);
    await assertAccessible(page);
    await page.getByRole('link', { name: 'Your page' }).click();
    await page.waitForURL(`${url}/executives`);
    await page.goto(`${url}/support`);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.waitForURL(`${url}/sign-in`);
    await page.goto(`${url}/executives`);
    await page.getByLabel('Password').waitFor();
    await close();
  });

  it('is refused to a page of another site, although the browser is signed in', async () => {
    const { page, close } = await open('support', 'Eve');
    const other = createServer((_, response) => response.writeHead(200, { 'Content-Type': 'text/html' })
      .end(`<form method="post" action="${url}/sign-out"><button>Win</button></form>`));
    await new Promise((resolve) => other.listen(0, '127.0.0.2', resolve));
    await page.goto(`http://127.0.0.2:${other.address().port}/`);
    const [response] = await Promise.all([page.waitForResponse(`${url}/sign-out`), page.getByText('Win').click()]);
    assert.equal(response.status(), 403);
    await page.goto(`${url}/support`);
    await page.getByText(/Nobody needs a call|Nothing has reported|has no answers yet/).first().waitFor();
    other.close();
    await close();
  });
});

describe('the analyzer serves the page', () => {
  it('with the policy the other tests run under', async () => {
    const response = await fetch(`${url}/`, { headers });
    assert.equal(response.status, 200);
    assert.equal(response.headers.get('content-security-policy'), contentSecurityPolicy);
    assert.equal(response.headers.get('x-content-type-options'), 'nosniff');
    assert.equal(response.headers.get('cache-control'), 'no-cache');
    const again = await fetch(`${url}/`, { headers: { ...headers, 'If-None-Match': response.headers.get('etag') } });
    assert.equal(again.status, 304);
  });

  it('with assets that may be kept for good, compressed for those who ask', async () => {
    const page = await (await fetch(`${url}/`, { headers })).text();
    const assets = [...page.matchAll(/\/assets\/[^"]+/g)].map(([path]) => path);
    assert.ok(assets.length >= 3, `the page names ${assets}`);
    for (const path of assets) {
      const packed = await fetch(url + path, { headers: { 'Accept-Encoding': 'gzip' } });
      assert.equal(packed.status, 200, path);
      assert.equal(packed.headers.get('content-encoding'), 'gzip', path);
      assert.match(packed.headers.get('cache-control'), /immutable/);
      const plain = await fetch(url + path, { headers: { 'Accept-Encoding': 'identity' } });
      assert.equal(plain.headers.get('content-encoding'), null, path);
      assert.equal(await packed.text(), await plain.text(), path);
    }
    assert.equal((await fetch(`${url}/assets/nothing.js`)).status, 404);
  });

  it('and has something to say before the first report', async () => {
    const { page, close } = await open();
    await page.getByText(/Nothing has reported so far|has no answers yet/).first().waitFor();
    await picture(page, 'empty');
    await close();
  });
});

describe('after a replay of April 2005', () => {
  let document;

  before(async () => {
    await house.replay(scenario, HOSTS);
    document = await settledDocument(url, headers, scenario);
  }, { timeout: 300_000 });

  it('the page shows the numbers of the API', async () => {
    const { page, complaints, close } = await open();
    const worst = document.updates.find((update) => update.verdict === 'HOLD');
    assert.equal(worst?.id, 'pattern/2.594.00');
    await page.getByText(worst.sentence).first().waitFor();
    assert.match(await page.locator('.badge').innerText(), /Hold/);
    assert.deepEqual(await page.locator('.candidate .name').allInnerTexts(), document.updates.map(({ id }) => id));
    const figures = await page.locator('.figure .value').allInnerTexts();
    assert.equal(figures[0], grouped.format(observed(worst.customers_total)));
    assert.equal(figures[1], grouped.format(observed(worst.hosts_total)));
    const lines = await page.locator('.matrix thead th').allInnerTexts();
    for (const cell of worst.impact) {
      const row = page.locator('.matrix tbody tr', { has: page.getByRole('rowheader', { name: cell.region, exact: true }) });
      const shown = row.locator('th, td').nth(lines.indexOf(cell.product_line));
      assert.equal(await shown.locator('.customers').innerText(), grouped.format(observed(cell.customers)));
    }
    assert.match(await page.locator('.freshness').innerText(), /replayed data of 23 Apr 2005/);
    assert.deepEqual(
      await page.locator('.calls strong').allInnerTexts(),
      worst.outreach.slice(0, 5).map(({ name }) => name),
    );
    assert.match(await page.locator('.trust').innerText(), /all registered/);
    assert.match(await page.locator('.trust').innerText(), new RegExp(`of ${grouped.format(document.fleet.hosts)}`));
    for (const width of [1440, 768, 390]) {
      await page.setViewportSize({ width, height: 900 });
      await assertNoOverflow(page);
      await assertAccessible(page);
      await picture(page, `hold-${width}`);
    }
    assert.deepEqual(complaints, [], 'nothing was complained of');
    await close();
  });

  it('says as much before its script runs, and where none may', async () => {
    const worst = document.updates.find((update) => update.verdict === 'HOLD');
    const { page, close } = await openPage(browser, { javaScriptEnabled: false, extraHTTPHeaders: headers });
    for (const path of ['/', '/executives', '/support']) {
      await page.goto(url + path);
      assert.equal(await page.locator('h1').innerText(), worst.sentence, path);
    }
    await page.goto(`${url}/`);
    assert.equal(await page.locator('.figure .value').first().innerText(), grouped.format(observed(worst.customers_total)));
    assert.deepEqual(await page.locator('.calls strong').allInnerTexts(), worst.outreach.slice(0, 5).map(({ name }) => name));
    await page.goto(`${url}/executives`);
    assert.equal(await page.getByText(worst.outreach[0].name).count(), 0, 'executives are told no names');
    await close();
  });

  it('does not move while it comes', async (test) => {
    for (const path of ['/', '/executives', '/support']) {
      const { page, complaints, close } = await openPage(browser, { viewport: { width: 1440, height: 900 }, extraHTTPHeaders: headers });
      await page.addInitScript(() => {
        window.marks = { shift: 0, paint: 0, event: 0 };
        new PerformanceObserver((list) => list.getEntries().forEach((one) => (window.marks.shift += one.hadRecentInput ? 0 : one.value)))
          .observe({ type: 'layout-shift', buffered: true });
        new PerformanceObserver((list) => (window.marks.paint = list.getEntries().at(-1).startTime))
          .observe({ type: 'largest-contentful-paint', buffered: true });
        new PerformanceObserver((list) => list.getEntries().forEach((one) => (window.marks.event = Math.max(window.marks.event, one.duration))))
          .observe({ type: 'event', durationThreshold: 16, buffered: true });
      });
      await page.goto(url + path);
      await page.locator('.freshness').waitFor();
      await pause(1500); // for the course of the update and its charts
      const { shift, paint } = await page.evaluate(() => window.marks);
      for (const opener of await page.locator('.opener[aria-expanded]').all()) {
        await opener.click();
      }
      await page.keyboard.press('Tab');
      await pause(300);
      const { event } = await page.evaluate(() => window.marks);
      test.diagnostic(`${path}: largest paint ${Math.round(paint)} ms, shift ${shift.toFixed(4)}, slowest event ${event} ms`);
      assert.ok(shift <= 0.02, `${path} shifts by ${shift}`);
      assert.deepEqual(complaints, [], path);
      await close();
    }
  });

  it('of two agents who reach for the next customer at once, each has another', async () => {
    const { outreach } = document.updates.find((update) => update.verdict === 'HOLD');
    const agents = [];
    for (const name of ['Ann', 'Bob']) {
      const opened = await open('support', name);
      await opened.page.getByText(`Signed in as ${name}`).waitFor();
      await opened.page.getByText('How far we are').waitFor();
      await opened.page.locator('#queue-title').click();
      agents.push(opened);
    }
    await Promise.all(agents.map(({ page }) => page.keyboard.press('n')));
    const taken = await Promise.all(agents.map(async ({ page }) => {
      await page.locator('.customer').getByText('Yours').waitFor();
      return page.locator('.customer').getAttribute('data-customer');
    }));
    assert.deepEqual(taken.sort(), outreach.slice(0, 2).map((entry) => entry.customer_id).sort());
    // Both reach for the same one by name.
    const third = outreach[2].customer_id;
    for (const { page } of agents) {
      await page.locator(`.place[data-customer="${third}"]`).click();
    }
    await Promise.all(agents.map(({ page }) => page.keyboard.press('t')));
    const notices = await Promise.all(agents.map(async ({ page }) => {
      await page.locator('.notice', { hasText: new RegExp(`${third}|${outreach[2].name}`) }).waitFor();
      return page.locator('.notice').innerText();
    }));
    assert.equal(notices.filter((text) => text.includes('Not done')).length, 1, notices.join(' | '));
    const list = await (await fetch(`${url}/v1/updates/pattern/2.594.00/outreach?state=taken`, { headers })).json();
    assert.equal(list.matching, 3);
    for (const opened of agents) {
      assert.deepEqual(opened.complaints.filter((text) => !/409/.test(text)), []);
      await opened.close();
    }
  });

  it('the page says when the database is away and when it is back', async () => {
    const { page, close } = await open();
    await page.locator('.candidate').first().waitFor();
    await house.stopDatabase();
    await page.getByText('The database is away').waitFor({ timeout: 60_000 });
    await picture(page, 'database-away');
    await house.startDatabase();
    await page.getByText('The database is away').waitFor({ state: 'detached', timeout: 60_000 });
    await close();
  });

  it('the page keeps its last word when the analyzer is killed', async () => {
    const { page, close } = await open();
    await page.locator('.candidate').first().waitFor();
    await house.end('analyzer', 'SIGKILL');
    await page.getByText('The analyzer does not answer').waitFor({ timeout: 60_000 });
    assert.deepEqual(await page.locator('.candidate .name').allInnerTexts(), document.updates.map(({ id }) => id));
    await picture(page, 'analyzer-away');
    await close();
  });
});
