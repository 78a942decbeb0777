// Given the states that matter to an executive, the page says what there is to decide, in numbers
// that are the document's own, names nobody, and prints to exactly one sheet of A4.
//
// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { launchChromium } from './browser.mjs';
import { fixture } from './fixture_server.mjs';
import { judgeState, leave, themes, visit } from './visit.mjs';

let browser;

before(async () => {
  browser = await launchChromium();
});

after(() => leave(browser));

const settled = {
  empty: 'Nothing has reported so far',
  all_clear: 'Nothing is to be decided',
  not_enough_data: 'Nothing is to be decided',
  one_bad: 'It is withdrawn. Support calls',
  several_suspects: 'Decide whether to pause',
  stale: 'Stale',
  database_away: 'The database is away',
};

describe('states, in both themes, at three widths', { concurrency: 2 }, () => {
  for (const [state, text] of Object.entries(settled)) {
    for (const theme of themes) {
      it(`${state}, ${theme}`, () => judgeState(browser, 'executives', state, theme, text));
    }
  }
});

describe('what the page says', () => {
  const document = JSON.parse(fixture('one_bad'));
  const [bad] = document.updates;
  const grouped = new Intl.NumberFormat('en-GB');

  it('ranges the customers, those that do not report included', async () => {
    const { page, close } = await visit(browser, 'executives', 'one_bad');
    const { confirmed, probable, all } = bad.customers_total;
    const seen = confirmed + probable;
    const figure = page.locator('.figure').first();
    assert.equal(
      await figure.locator('.value').innerText(),
      `${grouped.format(all.low)}–${grouped.format(all.high)}`,
    );
    assert.match(await figure.locator('.below').innerText(), new RegExp(`^${grouped.format(seen)} seen`));
    await close();
  });

  it('sums the document by region and by product line', async () => {
    const { page, close } = await visit(browser, 'executives', 'one_bad');
    for (const [title, dimension] of [['by region', 'region'], ['by product line', 'product_line']]) {
      const expected = new Map();
      for (const cell of bad.impact) {
        const customers = cell.customers.confirmed + cell.customers.probable;
        expected.set(cell[dimension], (expected.get(cell[dimension]) ?? 0) + customers);
      }
      const rows = page.locator('.bars', { has: page.getByRole('heading', { name: title }) }).locator('tbody tr');
      assert.equal(await rows.count(), expected.size);
      for (const row of await rows.all()) {
        const name = await row.locator('th').innerText();
        assert.equal(await row.locator('strong').innerText(), grouped.format(expected.get(name)), name);
      }
    }
    await close();
  });

  it('lists what the cost is made of, the largest kind first', async () => {
    const { page, close } = await visit(browser, 'executives', 'one_bad');
    const kinds = bad.cost.by_kind.filter((part) => part.p90 > 0).sort((a, b) => b.p50 - a.p50);
    const names = await page.locator('.price tbody th').allInnerTexts();
    assert.deepEqual(names, kinds.slice(0, names.length).map((part) => part.kind));
    assert.ok(names.length >= 3);
    const said = await page.locator('.price').innerText();
    for (const { kind } of kinds.slice(names.length)) {
      assert.ok(said.includes(kind), `${kind} is named among the rest`);
    }
    assert.ok(!said.includes('compensation'), 'what costs nothing is not listed');
    assert.ok(!said.includes('not stopped'), 'it is stopped');
    await close();
  });

  it('says what four more hours would add while the update is out', async () => {
    const { page, close } = await visit(browser, 'executives', 'several_suspects', {}, settled.several_suspects);
    assert.match(await page.locator('.price .waiting').innerText(), /4 more hours: \+ €840 – €3\.28k/);
    await close();
  });

  it('names no customer', async () => {
    const { page, close } = await visit(browser, 'executives', 'one_bad');
    const text = await page.locator('body').innerText();
    for (const { name, customer_id: id } of bad.outreach) {
      assert.ok(!text.includes(name) && !text.includes(id), `${name} is not on the page`);
    }
    await close();
  });

  // Chromium writes one "/Type /Page" object a page; objects of a compressed stream would hide them.
  it('prints to one sheet of A4', async () => {
    for (const state of ['one_bad', 'several_suspects', 'all_clear']) {
      const { page, close } = await visit(browser, 'executives', state, {}, settled[state]);
      const pdf = (await page.pdf({ preferCSSPageSize: true })).toString('latin1');
      assert.equal(pdf.match(/\/Type\s*\/Page\b(?!s)/g)?.length, 1, state);
      assert.match(pdf, /\/MediaBox\s*\[0 0 59[45][.\d]* 84[12][.\d]*\]/, state);
      await close();
    }
  });
});
