// Given the states that matter to a support agent, the page shows whom to call in the analyzer's order,
// with its reasons, narrowed and walked by keyboard.
//
// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { launchChromium } from './browser.mjs';
import { fixture } from './fixture_server.mjs';
import { pause } from './house.mjs';
import { judge, judgeState, leave, themes, visit } from './visit.mjs';

const DRAWN_MS = 1500; // a page is drawn every second, whatever happens

async function waitUntil(isSo) {
  for (const until = Date.now() + 30_000; !isSo(); await pause(20)) {
    assert.ok(Date.now() < until, 'what is waited for does not come');
  }
}

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
    const { page, server, close } = await open();
    await page.getByText('How far we are').waitFor();
    server.hold(/^GET .*\/outreach/); // what is known narrows before the analyzer is heard
    await page.getByLabel('Region').selectOption('JP');
    await page.getByLabel('Reachable now').check();
    const expected = outreach.filter((entry) => entry.region === 'JP' && entry.reachable_now);
    assert.ok(expected.length > 0 && expected.length < outreach.length);
    assert.deepEqual(await page.locator('.place .who strong').allInnerTexts(), names(expected));
    server.release();
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

describe('the desk', () => {
  const [{ outreach }] = JSON.parse(fixture('one_bad')).updates;
  const open = async (agent, among = null) => {
    const opened = await visit(browser, 'support', 'one_bad',
      { extraHTTPHeaders: { 'x-agent': agent } }, settled.one_bad, among);
    await opened.page.getByText(`Signed in as ${agent}`).waitFor();
    await opened.page.getByText('How far we are').waitFor();
    await opened.page.locator('#queue-title').click();
    return opened;
  };
  const rowOf = (page, id) => page.locator(`.place[data-customer="${id}"]`);

  it('is worked wholly by keyboard: take the next, see why, note, say what came of it', async () => {
    const { page, server, complaints, close } = await open('Ann');
    await page.keyboard.press('n');
    await page.locator('.customer').getByText('Yours').waitFor();
    assert.equal(await page.locator('.customer').getAttribute('data-customer'), outreach[0].customer_id);
    await page.keyboard.press('r');
    assert.ok(await page.locator('.customer .parts').isVisible());
    for (const theme of themes) {
      await page.emulateMedia({ colorScheme: theme });
      for (const width of [1440, 768, 390]) {
        await judge(page, 'support-taken', theme, width);
      }
    }
    await page.setViewportSize({ width: 1440, height: 900 });
    await page.keyboard.press('o');
    await page.keyboard.type('jot: back at 9');
    await page.keyboard.press('Escape');
    await page.keyboard.press('2');
    await page.locator('.notice', { hasText: 'message left' }).waitFor();
    assert.match(await rowOf(page, outreach[0].customer_id).innerText(), /message left/);
    assert.match(await page.locator('.customer').innerText(), /jot: back at 9/);
    await page.keyboard.press('n');
    await rowOf(page, outreach[1].customer_id).getByText('yours').waitFor();
    await page.keyboard.press('x');
    await page.locator('.notice', { hasText: 'to call' }).waitFor();
    assert.deepEqual(server.holds.map(({ verb, customer, agent }) => [verb, customer, agent]), [
      ['take', outreach[0].customer_id, 'Ann'],
      ['outcome', outreach[0].customer_id, 'Ann'],
      ['take', outreach[1].customer_id, 'Ann'],
      ['release', outreach[1].customer_id, 'Ann'],
    ]);
    assert.deepEqual(complaints, []);
    await close();
  });

  it('tells what was done together with the list that shows it', async () => {
    const { page, server, close } = await open('Ann');
    server.hold(/^GET .*\/outreach/);
    await page.keyboard.press('n');
    await waitUntil(() => server.heldBack() > 0); // it is taken, and the list is asked for
    await pause(DRAWN_MS);
    assert.equal(await page.locator('.notice').innerText(), '');
    assert.equal(await page.getByText('Yours').count(), 0);
    server.release();
    await page.locator('.notice', { hasText: 'taken' }).waitFor();
    assert.match(await rowOf(page, outreach[0].customer_id).innerText(), /yours/);
    await close();
  });

  it('shows nothing of a change before it is answered, and then the row that is worked', async () => {
    const { page, server, close } = await open('Ann');
    await page.keyboard.press('j');
    await page.keyboard.press('j');
    server.hold(/^POST .*\/take/);
    await page.keyboard.press('n');
    await waitUntil(() => server.heldBack() > 0);
    await page.getByLabel('Still to do').uncheck(); // asks for another list meanwhile
    await page.locator('#queue-title').click();
    await pause(DRAWN_MS);
    assert.equal(await page.locator('.place.own').count(), 0);
    server.release();
    await rowOf(page, outreach[0].customer_id).getByText('yours').waitFor();
    await page.keyboard.press('x'); // what it says is yours is what the keys are about
    await page.locator('.notice', { hasText: 'to call' }).waitFor();
    assert.deepEqual(server.holds.map(({ verb, customer }) => [verb, customer]),
      [['take', outreach[0].customer_id], ['release', outreach[0].customer_id]]);
    await close();
  });

  it('learns who is looking when that could not be told at first', async () => {
    const { page, close } = await open('Ann');
    await page.route('**/v1/me', (route) => route.fulfill({ status: 503 }), { times: 1 });
    await page.reload();
    await page.getByText('Signed in as Ann').waitFor();
    await close();
  });

  it('shows whom to call by keyboard, for a reason, and forgets it with the next customer', async () => {
    const { page, server, complaints, close } = await open('Ann');
    await page.keyboard.press('j');
    await page.locator('.people strong', { hasText: 'A…' }).waitFor();
    await page.keyboard.press('c'); // not taken: nothing to press
    assert.equal(await page.locator('.people input').count(), 0);
    await page.keyboard.press('t');
    await page.locator('.customer').getByText('Yours').waitFor();
    await page.keyboard.press('c');
    await page.keyboard.type('no');
    await page.keyboard.press('Enter'); // too short: the field itself refuses
    assert.deepEqual(server.openings, []);
    await judge(page, 'support-masked', 'light', 1440);
    await page.keyboard.type('body answers at the desk');
    await page.keyboard.press('Enter');
    await page.locator('.people').getByText('+1 202 555 0142').waitFor();
    assert.deepEqual(server.openings, [{ customer: outreach[0].customer_id, agent: 'Ann',
      update: JSON.parse(fixture('one_bad')).updates[0].id, reason: 'nobody answers at the desk' }]);
    for (const theme of themes) {
      await page.emulateMedia({ colorScheme: theme });
      for (const width of [1440, 768, 390]) {
        await judge(page, 'support-opened', theme, width);
      }
    }
    await page.setViewportSize({ width: 1440, height: 900 });
    await page.keyboard.press('j');
    await page.locator(`.customer[data-customer="${outreach[1].customer_id}"] .people strong`, { hasText: 'A…' }).waitFor();
    await page.keyboard.press('k');
    await page.locator(`.customer[data-customer="${outreach[0].customer_id}"] .people strong`, { hasText: 'A…' }).waitFor();
    assert.equal(await page.getByText('+1 202 555 0142').count(), 0);
    assert.deepEqual(complaints, []);
    await close();
  });

  it('opens nothing for a customer who was left before the answer came', async () => {
    const { page, server, close } = await open('Ann');
    await page.keyboard.press('n');
    await page.locator('.customer').getByText('Yours').waitFor();
    await page.locator('.people input').waitFor(); // or what is typed are the desk's keys
    await page.keyboard.press('c');
    await page.keyboard.type('nobody answers at the desk');
    server.hold(/^POST .*\/open/);
    await page.keyboard.press('Enter');
    await waitUntil(() => server.heldBack() > 0);
    await page.locator('#queue-title').click();
    for (const at of [0, 1, 0]) { // away, and back
      await page.locator(`.place[data-customer="${outreach[at].customer_id}"] .why`).click();
      await page.locator(`.customer[data-customer="${outreach[at].customer_id}"] .people strong`, { hasText: 'A…' }).waitFor();
    }
    server.release();
    await pause(DRAWN_MS);
    assert.equal(await page.getByText('+1 202 555 0142').count(), 0);
    await close();
  });

  it('shows all about a customer in a panel, opened and closed by keyboard', async () => {
    const { page, server, complaints, close } = await open('Ann');
    const focused = () => page.evaluate(() => document.activeElement.dataset.customer ?? document.activeElement.id);
    const panel = page.locator('dialog[open]');
    await page.keyboard.press('j');
    await page.keyboard.press('Enter');
    await panel.locator('.host-list').waitFor();
    assert.equal(await focused(), 'customer-title');
    assert.equal(await page.locator('.customer').count(), 1, 'nothing of it stands twice');
    assert.equal(await panel.locator('.host-list tbody tr').count(), 100);
    assert.match(await panel.locator('.facts').innerText(), /Kanto Partner Desk[^]*Sat 09:14 in Asia\/Tokyo[^]*1,841 of 2,010/);
    assert.match(await panel.locator('.parts').innerText(), /Contract at risk/);
    for (const theme of themes) {
      await page.emulateMedia({ colorScheme: theme });
      for (const width of [1440, 768, 390]) {
        await judge(page, 'support-panel', theme, width);
      }
    }
    await page.setViewportSize({ width: 1440, height: 900 });
    await panel.getByText('Show more').press('Enter');
    await panel.locator('.host-list tbody tr').nth(199).waitFor();
    await page.keyboard.press('j'); // does nothing behind it
    await page.keyboard.press('Escape');
    assert.equal(await panel.count(), 0);
    assert.equal(await focused(), outreach[0].customer_id);
    await page.keyboard.press('Enter');
    await panel.locator('.host-list').waitFor();
    await page.evaluate((id) => { // again, before the page hears that it was closed
      document.querySelector('dialog').close();
      document.querySelector(`.place[data-customer="${id}"]`)
        .dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', bubbles: true }));
    }, outreach[0].customer_id);
    await page.keyboard.press('t');
    await panel.getByText('Yours').waitFor();
    await page.keyboard.press('1');
    await page.locator('.notice', { hasText: 'reached' }).waitFor();
    await panel.waitFor({ state: 'detached' }); // the call is over
    assert.deepEqual(server.holds.map(({ verb, state }) => [verb, state]), [['take', 'taken'], ['outcome', 'reached']]);
    assert.deepEqual(complaints, []);
    await close();
  });

  it('opens the panel by touch, where nothing stands beside the queue', async () => {
    const { page, close } = await open('Ann');
    await page.setViewportSize({ width: 390, height: 844 });
    assert.equal(await page.locator('.beside .customer').isVisible(), false);
    await page.getByRole('button', { name: outreach[2].name }).click();
    await page.locator('dialog[open] .host-list').waitFor();
    await page.getByRole('button', { name: 'Close' }).click();
    await page.locator('dialog[open]').waitFor({ state: 'detached' });
    await close();
  });

  it('has what to say edited by keyboard, for all', async () => {
    const { page, server, complaints, close } = await open('Ann');
    await page.locator('.advice .text').first().waitFor();
    await page.keyboard.press('e');
    for (const theme of themes) {
      await page.emulateMedia({ colorScheme: theme });
      for (const width of [1440, 768, 390]) {
        await judge(page, 'support-editing', theme, width);
      }
    }
    await page.setViewportSize({ width: 1440, height: 900 });
    await page.keyboard.press('Control+A');
    await page.keyboard.type('Our update makes it hang; <b>sorry</b>.');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Control+A');
    await page.keyboard.type('1. Restart in safe mode.\n2. Roll back.');
    await page.keyboard.press('Control+Enter');
    await page.getByText('written by Ann').waitFor();
    assert.deepEqual(await page.locator('.advice .text').allTextContents(),
      ['Our update makes it hang; <b>sorry</b>.', '1. Restart in safe mode.\n2. Roll back.']);
    assert.equal(await page.evaluate(() => document.activeElement.textContent.trim()), 'Edit e');
    assert.deepEqual([server.said.version, server.said.workaround], [1, '1. Restart in safe mode.\n2. Roll back.']);
    await page.keyboard.press('e');
    await page.keyboard.type('never mind');
    await page.keyboard.press('Escape');
    assert.equal(await page.locator('.advice textarea').count(), 0);
    assert.equal(server.said.version, 1);
    assert.deepEqual(complaints, []);
    await close();
  });

  it('saves once what is pressed twice', async () => {
    const { page, server, complaints, close } = await open('Ann');
    await page.locator('.advice .text').first().waitFor();
    await page.keyboard.press('e');
    await page.keyboard.press('Control+A');
    await page.keyboard.type('It hangs.');
    server.hold(/^PUT /);
    await page.keyboard.press('Control+Enter');
    await waitUntil(() => server.heldBack() > 0);
    await page.keyboard.press('Control+Enter');
    await pause(DRAWN_MS);
    assert.equal(server.heldBack(), 1);
    server.release();
    await page.getByText('written by Ann').waitFor();
    assert.equal(server.said.version, 1);
    assert.deepEqual(complaints, []);
    await close();
  });

  it('lets nobody overwrite what a colleague has said without having read it', async () => {
    const ann = await open('Ann');
    const bob = await open('Bob', ann);
    for (const { page } of [ann, bob]) {
      await page.locator('.advice .text').first().waitFor();
      await page.keyboard.press('e');
      await page.keyboard.press('Control+A');
    }
    await ann.page.keyboard.type('Ann’s words');
    await ann.page.keyboard.press('Control+Enter');
    await ann.page.getByText('written by Ann').waitFor();
    await bob.page.keyboard.type('Bob’s words');
    await bob.page.keyboard.press('Control+Enter');
    await bob.page.getByText('Not saved: Ann has written version 1').waitFor();
    assert.match(await bob.page.locator('.newest').innerText(), /Ann’s words/);
    assert.equal(await bob.page.locator('.advice textarea').first().inputValue(), 'Bob’s words');
    assert.equal(ann.server.said.explanation, 'Ann’s words');
    await bob.page.keyboard.press('Control+Enter');
    await bob.page.getByText('written by Bob').waitFor();
    assert.equal(ann.server.said.explanation, 'Bob’s words');
    await bob.close();
    await ann.close();
  });

  it('gives a customer to one of two who reach for it, and tells the other', async () => {
    const ann = await open('Ann');
    const bob = await open('Bob', ann);
    for (const { page } of [ann, bob]) {
      await page.keyboard.press('j');
      await page.keyboard.press('j');
    }
    await Promise.all([ann, bob].map(({ page }) => page.keyboard.press('t')));
    await Promise.all([ann, bob].map(({ page }) => page.locator('.notice:not(:empty)').waitFor()));
    const notices = await Promise.all([ann, bob].map(({ page }) => page.locator('.notice').innerText()));
    const takes = ann.server.holds.filter(({ verb }) => verb === 'take');
    assert.equal(takes.length, 1);
    const loser = takes[0].agent === 'Ann' ? 1 : 0;
    assert.equal(notices[loser], `Not done: ${takes[0].agent} has taken ${outreach[1].customer_id}.`);
    assert.match(notices[1 - loser], /: taken\.$/);
    const other = [ann, bob][loser].page;
    await rowOf(other, outreach[1].customer_id).getByText(`with ${takes[0].agent}`).waitFor();
    await bob.close();
    await ann.close();
  });
});
