// Given each state the analyzer can be in, the operations page says so: without an error, without
// breaking its Content-Security-Policy, readable by everybody, at every width, in both themes.
// What it shows is held against the document it was given.
//
// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { assertNoOverflow, launchChromium, openPage } from './browser.mjs';
import { fixture, startFixtureServer, states } from './fixture_server.mjs';
import { judge, judgeState, leave, pagesDirectory, themes, visit, widths } from './visit.mjs';

let browser;

before(async () => {
  browser = await launchChromium();
});

after(() => leave(browser));

const load = (state, options) => visit(browser, '', state, options);

describe('every state, in both themes, at three widths', { concurrency: 2 }, () => {
  for (const state of Object.keys(states)) {
    for (const theme of themes) {
      it(`${state}, ${theme}`, () => judgeState(browser, '', state, theme));
    }
  }
});

describe('what the page says', () => {
  const document = JSON.parse(fixture('one_bad'));
  const [bad] = document.updates;
  const observed = ({ confirmed, probable }) => confirmed + probable;
  const grouped = new Intl.NumberFormat('en-GB');

  it('gives the verdict, the action and the figures of the document', async () => {
    const { page, close } = await load('one_bad');
    assert.equal(await page.locator('h1').innerText(), bad.sentence);
    assert.equal((await page.locator('.action').innerText()).trim(), bad.action);
    assert.match(await page.locator('.badge').innerText(), /Hold/);
    const customers = bad.customers_total.confirmed + bad.customers_total.probable;
    assert.match(await page.locator('.figure').first().innerText(), new RegExp(grouped.format(customers)));
    assert.match(await page.title(), /^Hold: pattern\/2\.594\.00/);
    await close();
  });

  it('ranks candidates as the analyzer does', async () => {
    const { page, close } = await load('one_bad');
    const shown = await page.locator('.candidate .name').allInnerTexts();
    assert.deepEqual(shown, document.updates.map((update) => update.id));
    await close();
  });

  it('shows every cell of region and product line', async () => {
    const { page, close } = await load('one_bad');
    const lines = await page.locator('.matrix thead th').allInnerTexts();
    for (const cell of bad.impact) {
      const row = page.locator('.matrix tbody tr', { has: page.getByRole('rowheader', { name: cell.region, exact: true }) });
      const text = await row.locator('th, td').nth(lines.indexOf(cell.product_line)).innerText();
      const customers = cell.customers.confirmed + cell.customers.probable;
      const hosts = cell.hosts.confirmed + cell.hosts.probable;
      assert.equal(text.replace(/\s+/g, ' '), `${grouped.format(customers)} ${grouped.format(hosts)} ${hosts === 1 ? 'host' : 'hosts'}`);
    }
    const total = await page.locator('.matrix .total .hosts').innerText();
    assert.equal(total, `${grouped.format(bad.hosts_total.confirmed + bad.hosts_total.probable)} hosts`);
    await close();
  });

  it('opens the reasons of a row by keyboard', async () => {
    const { page, complaints, close } = await load('one_bad');
    const opener = page.locator('.opener').first();
    await opener.focus();
    assert.equal(await opener.getAttribute('aria-expanded'), 'false');
    await page.keyboard.press('Enter');
    assert.equal(await opener.getAttribute('aria-expanded'), 'true');
    const reasons = page.locator(`[id="${await opener.getAttribute('aria-controls')}"] li`);
    const texts = bad.reasons.map((reason) => reason.replaceAll('10^', '10'));
    assert.deepEqual(await reasons.allInnerTexts(), texts);
    for (const width of widths) {
      await judge(page, 'operations-one_bad_open', 'light', width);
    }
    await page.keyboard.press('Enter');
    assert.equal(await opener.getAttribute('aria-expanded'), 'false');
    assert.deepEqual(complaints, []);
    await close();
  });

  it('shows all updates when asked, and lets another be spread', async () => {
    const { page, close } = await load('several_suspects');
    const updates = JSON.parse(fixture('several_suspects')).updates;
    assert.equal(await page.locator('.candidate').count(), 12);
    await page.locator('.candidates').getByRole('button', { name: 'Show all' }).click();
    assert.equal(await page.locator('.candidate').count(), updates.length);
    await page.getByLabel('Update', { exact: true }).selectOption('pattern/19.731.00');
    assert.equal(await page.locator('.matrix .total .hosts').innerText(), '41 hosts');
    await close();
  });

  it('draws the course of the update, and tells each point by keyboard', async () => {
    const { course, contrasts } = JSON.parse(fixture('course'));
    const { page, complaints, close } = await load('one_bad');
    const chart = page.getByRole('slider', { name: 'Evidence of harm' });
    await chart.waitFor();
    assert.equal(await page.getByRole('slider').count(), 4);
    assert.equal(await chart.getAttribute('aria-valuemax'), String(course.at.length - 1));
    const told = (value) => `${new Intl.NumberFormat('en-GB', { maximumFractionDigits: 1 }).format(value)}`;
    assert.match(await chart.getAttribute('aria-valuetext'), new RegExp(`02:44 UTC: ${told(course.log10_e_value.at(-1))}$`));
    await chart.focus();
    await page.keyboard.press('Home');
    assert.equal(await chart.getAttribute('aria-valuenow'), '0');
    await page.keyboard.press('ArrowRight');
    assert.equal(await chart.getAttribute('aria-valuetext'), `${course.at[1].slice(11, 16)} UTC: ${told(course.log10_e_value[1])}`);
    assert.ok(await chart.locator('canvas').evaluate((canvas) =>
      canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.some((byte) => byte !== 0)));
    for (const [i, { value, exposed_hosts: hosts, compared, rate_ratio: ratio }] of contrasts.slice(0, 8).entries()) {
      const cells = await page.locator('.contrasts tbody tr').nth(i).locator('th, td').allInnerTexts();
      assert.ok(cells[0].includes(value));
      assert.deepEqual(cells.slice(1, 4), [told(hosts), told(compared.onsets), told(compared.expected)]);
      assert.equal(parseFloat(cells[4]), Number(ratio.likely.toFixed(ratio.likely < 10 ? 1 : 0)), 'the likely ratio comes first');
      assert.ok(Math.abs(compared.onsets / compared.expected / ratio.likely - 1) < 0.01, 'and is the one by the other');
    }
    assert.deepEqual(complaints, []);
    await close();
  });

  it('narrows to a region and product line by keyboard, and says so in the address', async () => {
    const { page, close } = await load('one_bad');
    const [first] = [...bad.impact].sort((a, b) => observed(b.customers) - observed(a.customers));
    const cell = page.locator(`.matrix tbody [title="Only ${first.region}, ${first.product_line}"]`);
    await cell.focus();
    await page.keyboard.press('Enter');
    assert.equal(await cell.getAttribute('aria-pressed'), 'true');
    assert.equal(await page.locator('.figure .value').first().innerText(), grouped.format(observed(first.customers)));
    assert.match(await page.locator('.view-bar').innerText(), new RegExp(`Only ${first.region} · ${first.product_line}`));
    const address = () => page.evaluate(() => location.search); // the browser's own word comes later
    const asked = new URLSearchParams(await address());
    assert.deepEqual([asked.get('region'), asked.get('line')], [first.region, first.product_line]);
    for (const width of widths) {
      await judge(page, 'operations-one_bad_narrow', 'light', width);
    }
    await page.reload();
    await page.locator('.view-bar').waitFor();
    await page.getByRole('button', { name: 'Show all', exact: true }).click();
    assert.equal(await address(), '');
    assert.equal(await page.locator('.figure .value').first().innerText(), grouped.format(observed(bad.customers_total)));
    await close();
  });

  for (const [locale, timezoneId, onsetHere] of [
    ['de-DE', 'Europe/Berlin', /23\. Apr\., 00:38/],
    ['en-US', 'America/Los_Angeles', /Apr 22, 3:38 PM|Apr 22, 15:38/],
    ['en-IN', 'Asia/Kolkata', /23 Apr,? 04:08/],
    ['ar-EG', 'Africa/Cairo', /٠٠:٣٨|٠١:٣٨/],
    ['ja-JP', 'Asia/Tokyo', /4月23日 07:38/],
  ]) {
    it(`counts and tells the time as in ${locale}`, async () => {
      const { page, complaints, close } = await load('one_bad', { locale, timezoneId, viewport: { width: 390, height: 900 } });
      const customers = bad.customers_total.confirmed + bad.customers_total.probable;
      const expected = await page.evaluate(([tag, value]) => new Intl.NumberFormat(tag).format(value), [locale, customers]);
      assert.equal(await page.locator('.figure .value').first().innerText(), expected);
      assert.match(await page.locator('.facts').innerText(), onsetHere);
      await assertNoOverflow(page);
      assert.deepEqual(complaints, []);
      await close();
    });
  }

  it('tells what has happened, the newest first, and of one update where one is looked at', async () => {
    const { page, complaints, close } = await load('one_bad');
    const at = await page.locator('.happenings time').evaluateAll((all) => all.map((one) => Date.parse(one.dateTime)));
    assert.deepEqual(at, [...at].sort((a, b) => b - a));
    const rows = page.locator('.happenings li');
    assert.match(await rows.filter({ hasText: 'Hold; was not enough data' }).innerText(), /22:44[^]*pattern\/2\.594\.00/);
    for (const what of ['Released', 'Withdrawn', 'First harm']) {
      assert.equal(await rows.filter({ hasText: bad.id }).filter({ hasText: what }).count(), 1, what);
    }
    assert.deepEqual(complaints, []);
    await close();
  });

  it('never calls a replay of the past stale', async () => {
    const { page, close } = await load('replay');
    assert.match(await page.locator('.freshness').innerText(), /Replay\s+replayed data of 23 Apr 2005, 00:14 UTC/);
    await close();
  });
});

describe('how the page asks', () => {
  it('asks again with the ETag it was given and keeps its answer on 304', async () => {
    const { page, complaints, server, close } = await load('one_bad');
    await page.waitForResponse((response) => response.status() === 304, { timeout: 15_000 });
    assert.deepEqual(server.seen.slice(0, 2), [{ ifNoneMatch: null }, { ifNoneMatch: '"fixture"' }]);
    assert.equal(await page.locator('h1').innerText(), JSON.parse(fixture('one_bad')).updates[0].sentence);
    assert.deepEqual(complaints, []);
    await close();
  });

  it('shows a new verdict by itself, at the next poll', async (test) => {
    const { page, server, complaints, close } = await load('all_clear');
    const before = performance.now();
    server.become('one_bad');
    await page.getByText(states.one_bad.settled).first().waitFor({ timeout: 15_000 });
    test.diagnostic(`after ${Math.round(performance.now() - before)} ms`);
    assert.match(await page.title(), /^Hold: pattern\/2.594.00/);
    assert.deepEqual(complaints, []);
    await close();
  });

  it('asks again for what could not be read, although the answers stay the same', async () => {
    const { page, close } = await load('one_bad');
    let away = true;
    await page.route(/\/(course|changes)$/, (route) => (away ? route.fulfill({ status: 503 }) : route.continue()));
    await page.reload();
    await page.getByText('The course of this update could not be read.').waitFor();
    await page.getByText('which could not be read').waitFor();
    away = false;
    await page.getByRole('slider', { name: 'Evidence of harm' }).waitFor();
    await page.getByText('newest first').waitFor();
    await close();
  });

  it('comes back by itself when the analyzer does', async () => {
    const { page, server, close } = await load('unreachable');
    server.mend();
    await page.getByRole('button', { name: 'Try now' }).click();
    await page.locator('.banner').waitFor({ state: 'detached' });
    await close();
  });

  it('points to the plain text where there is no JavaScript', async () => {
    const server = await startFixtureServer(pagesDirectory, 'one_bad');
    const { page, close } = await openPage(browser, { javaScriptEnabled: false });
    await page.goto(server.url);
    assert.equal(await page.locator('noscript a, .noscript a').getAttribute('href'), '/v1/summary');
    await close();
    await server.stop();
  });
});

// Budgets of each page; over a slow line every 10 kB is a tenth of a second. uPlot may come to
// operations, so that page may be larger.
for (const [name, scripts] of [['operations', 45_000], ['executives', 15_000], ['support', 15_000]]) {
  it(`keeps ${name} within its budget`, () => {
    const text = readFileSync(join(pagesDirectory, `${name}.html`), 'utf8');
    const size = (extension) =>
      [...text.matchAll(/\/assets\/([^"]+)/g)]
        .map(([, asset]) => asset)
        .filter((asset) => asset.endsWith(extension))
        .reduce((sum, asset) => sum + gzipSync(readFileSync(join(pagesDirectory, 'assets', asset)), { level: 9 }).length, 0);
    assert.ok(size('.js') > 0 && size('.js') <= scripts, `scripts are ${size('.js')} bytes gzip`);
    assert.ok(size('.css') > 0 && size('.css') <= 10_000, `styles are ${size('.css')} bytes gzip`);
  });
}
