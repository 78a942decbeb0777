// Given the states that matter to a support agent, the page shows whom to call in the analyzer's order,
// with its reasons, narrowed and walked by keyboard.
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
  all_clear: 'Nobody needs a call',
  one_bad: 'Call in this order',
  stale: 'Stale',
  database_away: 'The database is away',
};

describe('states, in both themes, at three widths', { concurrency: 2 }, () => {
  for (const [state, text] of Object.entries(settled)) {
    for (const theme of themes) {
      it(`${state}, ${theme}`, () => judgeState(browser, 'support', state, theme, text));
    }
  }
});

describe('the queue', () => {
  const [{ outreach }] = JSON.parse(fixture('one_bad')).updates;
  const names = (entries) => entries.map((entry) => entry.name);
  const open = () => visit(browser, 'support', 'one_bad', {}, settled.one_bad);

  it('stands in the order of the document, each place with its reasons', async () => {
    const { page, close } = await open();
    assert.deepEqual(await page.locator('.place strong').filter({ hasNotText: /^[\d,]+$/ }).allInnerTexts(), names(outreach));
    assert.deepEqual(
      await page.locator('.place .why').allInnerTexts(),
      outreach.map((entry) => entry.reasons.join(' · ')),
    );
    await close();
  });

  it('narrows to a region and to those reachable now', async () => {
    const { page, close } = await open();
    await page.getByLabel('Region').selectOption('JP');
    await page.getByLabel('Reachable now').check();
    const expected = outreach.filter((entry) => entry.region === 'JP' && entry.reachable_now);
    assert.ok(expected.length > 0 && expected.length < outreach.length);
    assert.deepEqual(await page.locator('.place .who strong').allInnerTexts(), names(expected));
    await close();
  });

  it('is walked with j and k', async () => {
    const { page, close } = await open();
    const focused = () => page.evaluate(() => document.activeElement.dataset.customer ?? null);
    for (const [key, at] of [['j', 0], ['j', 1], ['j', 2], ['k', 1]]) {
      await page.keyboard.press(key);
      assert.equal(await focused(), outreach[at].customer_id);
    }
    await close();
  });
});
