// Do page, API, table and SQL say the same? One incident, read in every way there is: the document,
// its parts, the tables, the views that Grafana asks, and the three pages as a person reads them.
// The document is the yardstick; what a number looks like on a page is stated here anew, by Intl.
//
// EPICENTER_BUILD_DIR: where the programs were built.
//
// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { launchChromium, openPage } from './browser.mjs';
import { settledDocument, startHouse } from './house.mjs';

const buildDirectory = process.env.EPICENTER_BUILD_DIR;
assert.ok(buildDirectory, 'EPICENTER_BUILD_DIR names the built programs');

const scenario = fileURLToPath(new URL('../fleetsim/scenarios/2005-pattern-2.594.00.json', import.meta.url));
const HOSTS = 3000; // enough for a verdict of hold
const UPDATE = 'pattern/2.594.00';

let house;
let browser;
let url;
let headers;
let updates; // of the document
let update; // the one among them

async function get(path) {
  const response = await fetch(url + path, { headers });
  assert.equal(response.status, 200, path);
  return response.text();
}

before(async () => {
  house = await startHouse(buildDirectory);
  await house.importRegistry(scenario, HOSTS);
  url = await house.serve('analyzer');
  headers = await house.keyHeaders();
  await house.replay(scenario, HOSTS);
  ({ updates } = await settledDocument(url, headers, scenario));
  update = updates.find(({ id }) => id === UPDATE);
  browser = await launchChromium();
}, { timeout: 300_000 });

after(async () => {
  await browser?.close();
  await house?.stop();
});

// ---- Other ways to read ----

// RFC 4180 as an array of objects by the header's names.
function readCsv(text) {
  const records = [];
  let record = [];
  for (const [, quoted, plain, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/g)) {
    record.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
    if (end !== ',') {
      records.push(record);
      record = [];
    }
  }
  const [names, ...rest] = records;
  return rest.map((cells) => {
    assert.equal(cells.length, names.length, cells.join());
    return Object.fromEntries(names.map((name, i) => [name, cells[i]]));
  });
}

const table = async (path) => readCsv(await get(`${path}?format=csv`));

async function rowsOf(sql) {
  return JSON.parse(await house.query(`select coalesce(json_agg(r), '[]') from (${sql}) r`));
}

async function open(role) {
  const opened = await openPage(browser, { viewport: { width: 1440, height: 1200 }, colorScheme: 'light' });
  await opened.page.goto(await house.signInLink(url, role));
  return opened;
}

const observed = (affected) => affected.confirmed + affected.probable;
const grouped = new Intl.NumberFormat('en-GB', { maximumFractionDigits: 0 });
const moneyOf = (currency) => new Intl.NumberFormat('en-GB', {
  style: 'currency', currency, notation: 'compact', maximumSignificantDigits: 3, currencyDisplay: 'narrowSymbol',
});

// ---- Affected customers and hosts, by region and product line ----

const cellOf = (region, line, customers, hosts) => [region, line, ...customers, ...hosts].join(' ');
const told = ({ confirmed, probable }) => [confirmed, probable];

describe('the affected', () => {
  const expected = () => update.impact.map((cell) =>
    cellOf(cell.region, cell.product_line, told(cell.customers), told(cell.hosts)));

  it('are the same in the API', async () => {
    assert.equal(update.id, UPDATE);
    assert.ok(update.impact.length > 1 && observed(update.customers_total) > 0);
    assert.deepEqual(JSON.parse(await get(`/v1/updates/${UPDATE}`)), update);
    const part = JSON.parse(await get(`/v1/updates/${UPDATE}/impact`));
    assert.deepEqual(part.impact, update.impact);
    assert.deepEqual(part.customers_total, update.customers_total);
    assert.deepEqual(part.hosts_total, update.hosts_total);
  });

  it('in the tables', async () => {
    const rows = await table(`/v1/updates/${UPDATE}/impact`);
    assert.deepEqual(rows.map((row) => cellOf(row.region, row.product_line,
      [row.customers_confirmed, row.customers_probable], [row.hosts_confirmed, row.hosts_probable])), expected());
    for (const [i, { customers, hosts }] of update.impact.entries()) {
      assert.deepEqual(['low', 'likely', 'high'].map((end) => Number(rows[i][`customers_${end}`])),
        [customers.all.low, customers.all.likely, customers.all.high]);
      assert.equal(Number(rows[i].hosts_estimated_likely), hosts.estimated.likely);
    }
    const row = (await table('/v1/updates')).find((one) => one.update === UPDATE);
    assert.deepEqual([row.customers_confirmed, row.customers_probable].map(Number), told(update.customers_total));
    assert.deepEqual([row.hosts_confirmed, row.hosts_probable].map(Number), told(update.hosts_total));
    assert.equal(row.sentence, update.sentence);
  });

  it('in SQL', async () => {
    const rows = await rowsOf(`select * from affected where update_id = '${UPDATE}'`);
    assert.deepEqual(rows.map((row) => cellOf(row.region, row.product_line,
      [row.customers_confirmed, row.customers_probable], [row.hosts_confirmed, row.hosts_probable])).sort(), expected().sort());
    const [row] = await rowsOf(`select * from update_now where update_id = '${UPDATE}'`);
    assert.deepEqual([row.customers_confirmed, row.customers_probable], told(update.customers_total));
    assert.deepEqual([row.hosts_confirmed, row.hosts_probable], told(update.hosts_total));
  });

  it('on the page for operations', async () => {
    const { page, close } = await open('operations');
    await page.getByText(update.sentence).first().waitFor();
    const figures = await page.locator('.figure .value').allInnerTexts();
    assert.deepEqual(figures.slice(0, 2), [update.customers_total, update.hosts_total].map((of) => grouped.format(observed(of))));
    const lines = await page.locator('.matrix thead th').allInnerTexts();
    for (const cell of update.impact) {
      const row = page.locator('.matrix tbody tr', { has: page.getByRole('rowheader', { name: cell.region, exact: true }) });
      const shown = row.locator('th, td').nth(lines.indexOf(cell.product_line));
      assert.equal(await shown.locator('.customers').innerText(), grouped.format(observed(cell.customers)));
    }
    await close();
  });

  it('on the page for executives', async () => {
    const { page, close } = await open('executive');
    await page.getByText('Customers affected', { exact: true }).waitFor();
    const { low, high } = update.customers_total.all;
    const text = await page.locator('.figure', { hasText: 'Customers affected' }).innerText();
    assert.ok(text.includes(grouped.formatRange(low, high).replace('~', '')), text);
    assert.ok(text.includes(`${grouped.format(observed(update.customers_total))} seen`), text);
    for (const [title, dimension] of [['by region', 'region'], ['by product line', 'product_line']]) {
      const rows = page.locator('.bars', { has: page.getByRole('heading', { name: title }) }).locator('tbody tr');
      assert.equal(await rows.count(), new Set(update.impact.map((cell) => cell[dimension])).size);
      for (const row of await rows.all()) {
        const name = await row.locator('th').innerText();
        const cells = update.impact.filter((cell) => cell[dimension] === name);
        const sum = cells.reduce((all, cell) => all + observed(cell.customers), 0);
        assert.equal(await row.locator('strong').innerText(), grouped.format(sum), name);
      }
    }
    await close();
  });
});

// ---- What is compared, by segment ----

describe('the table by segment', () => {
  const contrastsOf = async (id) => JSON.parse(await get(`/v1/updates/${id}/course`)).contrasts;
  const harmless = () => updates.filter(({ id, compared }) => id !== UPDATE && compared.onsets > 0);

  it('divides to its ratios', async () => {
    for (const { id } of updates) {
      for (const { value, compared, rate_ratio: ratio } of await contrastsOf(id)) {
        assert.equal(compared.expected === null, ratio.likely === null, `${id} ${value}`);
        if (compared.onsets > 0 && ratio.likely !== null) {
          assert.ok(Math.abs(compared.onsets / compared.expected / ratio.likely - 1) < 1e-6, `${id} ${value}`);
        }
      }
    }
  });

  it('charges no harmless update with what came along with the bad one', async () => {
    assert.ok(harmless().length > 2);
    for (const { id, compared: whole } of harmless()) {
      const sums = new Map();
      for (const { attribute, value, compared, rate_ratio: ratio } of await contrastsOf(id)) {
        assert.ok(ratio.low <= 1, `${id} ${value}: at least ${ratio.low}`);
        sums.set(attribute, (sums.get(attribute) ?? 0) + compared.onsets);
      }
      assert.ok(sums.size > 0 && [...sums.values()].every((sum) => sum <= whole.onsets), id);
    }
  });

  it('is the same on the page for operations', async () => {
    const [row] = await contrastsOf(UPDATE);
    const { page, close } = await open('operations');
    const cells = page.locator('.contrasts tbody tr').first().locator('th, td');
    await cells.first().waitFor();
    const [name, hosts, onsets, expected] = await cells.allInnerTexts();
    assert.ok(name.includes(row.value), name);
    assert.deepEqual([hosts, onsets], [row.exposed_hosts, row.compared.onsets].map((value) => grouped.format(value)));
    assert.equal(expected, new Intl.NumberFormat('en-GB', { maximumFractionDigits: 1 }).format(row.compared.expected));
    await close();
  });
});

// ---- The cost ----

describe('the cost', () => {
  const expected = () => [update.cost.p10, update.cost.p50, update.cost.p90];

  it('is the same in the API', async () => {
    assert.ok(update.cost.p50 > 0);
    assert.deepEqual(JSON.parse(await get(`/v1/updates/${UPDATE}/cost`)).cost, update.cost);
  });

  it('in the tables', async () => {
    const rows = await table(`/v1/updates/${UPDATE}/cost`);
    const figures = (row) => [row.p10, row.p50, row.p90].map(Number);
    assert.deepEqual(figures(rows.find(({ part }) => part === 'whole')), expected());
    const kinds = rows.filter(({ part }) => part === 'kind');
    assert.deepEqual(kinds.map((row) => [row.name, ...figures(row)]),
      update.cost.by_kind.map(({ kind, p10, p50, p90 }) => [kind, p10, p50, p90]));
    const row = (await table('/v1/updates')).find((one) => one.update === UPDATE);
    assert.deepEqual([row.cost_p10, row.cost_p50, row.cost_p90].map(Number), expected());
    assert.equal(row.currency, update.cost.currency);
  });

  it('in SQL', async () => {
    const [row] = await rowsOf(`select currency, cost_p10, cost_p50, cost_p90 from update_now where update_id = '${UPDATE}'`);
    assert.deepEqual([row.cost_p10, row.cost_p50, row.cost_p90], expected());
    assert.equal(row.currency, update.cost.currency);
  });

  it('and on the page for executives', async () => {
    const { page, close } = await open('executive');
    const figure = page.locator('.figure', { hasText: 'Cost of support' });
    await figure.waitFor();
    const text = await figure.innerText();
    const money = moneyOf(update.cost.currency);
    assert.ok(text.includes(money.formatRange(update.cost.p10, update.cost.p90)), text);
    assert.ok(text.includes(`likely ${money.format(update.cost.p50)}`), text);
    await close();
  });
});

// ---- Whom to call, in which order ----

describe('the order of calls', () => {
  const expected = () => update.outreach.map((entry) => entry.customer_id);

  it('is the same in the API', async () => {
    assert.ok(expected().length > 5);
    const list = JSON.parse(await get(`/v1/updates/${UPDATE}/outreach?limit=${expected().length}`));
    assert.deepEqual(list.customers.map((place) => place.customer_id), expected());
    assert.deepEqual(list.customers.map((place) => place.rank), update.outreach.map((entry) => entry.rank));
    assert.equal(list.total, update.outreach_total);
  });

  it('in the table', async () => {
    const rows = await table(`/v1/updates/${UPDATE}/outreach`);
    assert.deepEqual(rows.slice(0, expected().length).map((row) => row.customer_id), expected());
    assert.deepEqual(rows.slice(0, expected().length).map((row) => Number(row.hosts_affected)),
      update.outreach.map((entry) => entry.hosts_affected));
  });

  it('in SQL', async () => {
    const rows = await rowsOf(`select customer_id, hosts_affected from outreach_now where update_id = '${UPDATE}' order by rank`);
    assert.deepEqual(rows.map((row) => row.customer_id), expected());
    assert.deepEqual(rows.map((row) => row.hosts_affected), update.outreach.map((entry) => entry.hosts_affected));
  });

  it('and on the pages for operations and support', async () => {
    const operations = await open('operations');
    await operations.page.locator('.calls strong').first().waitFor();
    const first = await operations.page.locator('.calls strong').allInnerTexts();
    assert.ok(first.length > 0);
    assert.deepEqual(first, update.outreach.slice(0, first.length).map(({ name }) => name));
    await operations.close();
    const support = await open('support');
    await support.page.locator('.place').first().waitFor();
    const shown = await support.page.locator('.place').evaluateAll((places) => places.map((place) => place.dataset.customer));
    assert.ok(shown.length > 5);
    assert.deepEqual(shown, expected().slice(0, shown.length));
    await support.close();
  });
});
