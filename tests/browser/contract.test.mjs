// Does the analyzer answer as analyzer/openapi.json says? Every operation is driven to every status
// the description gives it, at a real analyzer with a real incident, and every answer is held to
// its schema by a validator that is not ours. What cannot be reached must not be described, and no
// answer may be given that is not.
//
// That the description has every route there is, tests/unit/test_openapi.c sees.
//
// EPICENTER_BUILD_DIR: where the programs were built.
//
// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { readDescription } from './description.mjs';
import { settledDocument, startHouse } from './house.mjs';

const buildDirectory = process.env.EPICENTER_BUILD_DIR;
assert.ok(buildDirectory, 'EPICENTER_BUILD_DIR names the built programs');

const scenario = fileURLToPath(new URL('../fleetsim/scenarios/2005-pattern-2.594.00.json', import.meta.url));
const HOSTS = 3000; // enough for a verdict of hold
const ID = 'pattern%2F2.594.00';
const UNKNOWN = 'nothing';
const json = { 'Content-Type': 'application/json' };
const form = { 'Content-Type': 'application/x-www-form-urlencoded' };
const elsewhere = { 'X-Forwarded-For': '192.0.2.1' }; // as through a proxy: this machine needs no key
const otherSite = { 'Sec-Fetch-Site': 'cross-site' };
const tooLong = JSON.stringify({ note: 'x'.repeat(20_000) });

let house;
let url; // of the analyzer
let awayUrl; // of one that has never reached its database
let description;
let keys; // headers by scope

const nobody = { id: ID, customer: 'nobody', host: 'nobody', name: 'nothing.js', kind: 'customers' };

const ask = (id, status, question = {}) => description.ask(id, status, { ...nobody, ...question });
const announce = (id, status, question) => description.announce(id, status, { ...nobody, ...question });
const operations = () => description.operations();
const operationOf = (id) => description.operationOf(id);
const pathOf = (operation, { query, ...values }) => description.pathOf(operation, { ...nobody, ...values }, query);

// By which a list's cursor knows an element.
function keyOf(id, element) {
  return id === 'listChanges' ? `${element.decided_at}/${element.update}` : element.id;
}

// ---- The stage ----

let document;
let snapshot; // the id of what it is
let cookie; // of somebody who has signed in
let ann; // the headers of somebody who stays signed in, as support

before(async () => {
  house = await startHouse(buildDirectory);
  await house.importRegistry(scenario, HOSTS);
  keys = {};
  for (const scope of ['read', 'operate', 'support', 'metrics', 'registry']) {
    keys[scope] = await house.keyHeaders(scope, scope);
  }
  keys.other = await house.keyHeaders('support', 'other');
  url = await house.serve('analyzer');
  description = await readDescription(url);
  await house.replay(scenario, HOSTS);
  document = await settledDocument(url, keys.read, scenario);
  snapshot = (await fetch(`${url}/v1/updates`, { headers: keys.read })).headers.get('epicenter-snapshot');
  const response = await fetch(await house.signInLink(url, 'support', 'Ann'), { redirect: 'manual' });
  ann = { Cookie: response.headers.get('set-cookie').split(';')[0] };
}, { timeout: 300_000 });

after(() => house?.stop());

// A good question of each operation, and the headers of who may ask it.
function good() {
  const [first, second, third] = document.updates[0].outreach;
  return {
    listUpdates: {},
    getUpdate: {},
    getVerdict: { query: '?wait=1' },
    getImpact: {},
    getCost: {},
    getCourse: {},
    listOutreach: { who: 'support' },
    listOutreachHosts: { who: 'operate', customer: first.customer_id },
    getAdvice: { who: 'support' },
    writeAdvice: { who: 'support', body: '{"explanation":"It hangs.","workaround":"Roll back.","version":0}', headers: json },
    takeCustomer: { who: 'support', body: JSON.stringify({ customer: first.customer_id }), headers: json },
    noteOutcome: { who: 'support', customer: first.customer_id, body: '{"state":"reached","note":"spoke"}', headers: json },
    releaseCustomer: { who: 'support', customer: second.customer_id, body: '{}', headers: json },
    maskContacts: { who: null, customer: first.customer_id, headers: ann },
    openContacts: { who: null, customer: first.customer_id, headers: { ...ann, ...json }, body: `{"update":"${ID}","reason":"to call"}` },
    getHost: { who: 'operate', host: 'host-of-nobody', query: `?customer_id=${third.customer_id}` },
    listChanges: {},
    getSnapshot: { id: snapshot },
    getSummary: { query: '?columns=100&colour=1&calls=2' },
    reckonWhatIf: { query: `?update=${ID}&set=cost_per_minute=1,2,3` },
    importRegistry: { who: 'registry', kind: 'seats', query: '?dry_run=1', headers: { 'Content-Type': 'text/csv' }, body: 'customer_id,product_line,seats\n' },
    getMe: {},
    getDescription: { who: null },
    getHealth: { who: null },
    getReadiness: { who: null },
    getMetrics: { who: 'metrics', headers: elsewhere },
    getOperationsPage: {},
    getExecutivesPage: {},
    getSupportPage: { who: 'support' },
    getAsset: { who: null },
    getSignIn: { who: null },
    signIn: { who: null, headers: form, body: 'name=nobody&password=wrong' },
    signOut: { who: null, headers: { ...form, Cookie: cookie ?? '' }, body: '' },
  };
}

function asked(id) {
  const { who = 'read', headers = {}, ...rest } = good()[id];
  return { ...rest, headers: { ...(who === null ? {} : keys[who]), ...headers } };
}

describe('the description', () => {
  it('has a name of its own for each operation, each with a question in this test', () => {
    const ids = [...operations()].map(({ operationId }) => operationId);
    assert.deepEqual([...ids].sort(), [...new Set(ids)].sort());
    assert.deepEqual([...ids].sort(), Object.keys(good()).sort());
    assert.equal(description.document.openapi, '3.1.0');
  });

  it('has no schema that is never used', () => {
    assert.deepEqual(description.unused(), []);
  });
});

describe('the analyzer answers as described', () => {
  it('whoever asks what there is', async () => {
    for (const id of ['listUpdates', 'getUpdate', 'getVerdict', 'getImpact', 'getCost', 'getCourse', 'listOutreach', 'listOutreachHosts', 'getAdvice', 'listChanges', 'getSnapshot', 'getSummary', 'reckonWhatIf',
      'getMe', 'getDescription', 'getHealth', 'getReadiness', 'getMetrics', 'getOperationsPage', 'getExecutivesPage',
      'getSupportPage', 'getSignIn', 'maskContacts', 'openContacts']) {
      await ask(id, 200, asked(id));
    }
    await ask('getUpdate', 200, { ...asked('getUpdate'), id: 'pattern/2.594.00' });
    await ask('listOutreach', 200, { ...asked('listOutreach'), query: '?region=JP&reachable=1&state=new,taken&limit=3' });
    for (const id of ['listUpdates', 'getImpact', 'getCost', 'listOutreach']) {
      const named = await ask(id, 200, { ...asked(id), query: '?format=csv' });
      const { headers, ...rest } = asked(id);
      const accepted = await ask(id, 200, { ...rest, headers: { ...headers, Accept: 'text/csv' } });
      assert.equal(named.text, accepted.text, id);
      assert.match(named.response.headers.get('content-disposition'), /^attachment; filename="\w+\.csv"$/, id);
    }
    await ask('getSignIn', 200, { query: '?next=/support' });
    const page = await (await fetch(`${url}/`, { headers: keys.read })).text();
    for (const [, name] of page.matchAll(/\/assets\/([^"]+)/g)) {
      await ask('getAsset', 200, { name });
    }
  });

  it('and a host by its UUID and by its name', async () => {
    const host = (await house.query('select host_id from report limit 1')).trim();
    const { text } = await ask('getHost', 200, { headers: keys.operate, host });
    const { customer_id: customer } = JSON.parse(text);
    await ask('getHost', 200, { headers: keys.operate, host, query: `?customer_id=${customer}` });
  });

  it('long lists in pages, which together are the whole', async () => {
    const lists = { listUpdates: 'updates', listChanges: 'changes', listOutreach: 'customers' };
    for (const [id, member] of Object.entries(lists)) {
      const whole = JSON.parse((await ask(id, 200, { ...asked(id), query: id === 'listOutreach' ? '?limit=100000' : '' })).text);
      const limit = Math.max(1, Math.floor(whole[member].length / 3));
      const paged = [];
      for (let query = `?limit=${limit}`; query !== null;) {
        const { response, text } = await ask(id, 200, { ...asked(id), query });
        const page = JSON.parse(text)[member];
        assert.ok(page.length <= limit, id);
        paged.push(...page);
        assert.deepEqual({ ...JSON.parse(text), [member]: whole[member] }, whole, `${id}: beside the list all is the same`);
        const link = response.headers.get('link');
        const next = link === null ? null : new URL(link.slice(1, link.indexOf('>')), url);
        assert.ok(next === null || next.pathname === decodeURIComponent(new URL(url + pathOf(operationOf(id), {})).pathname), link);
        query = next?.search ?? null;
      }
      assert.ok(whole[member].length > 0, id);
      assert.deepEqual(paged, whole[member], id);
      await ask(id, 200, { ...asked(id), query: `?limit=1&cursor=${id === 'listOutreach' ? 1 : encodeURIComponent(keyOf(id, whole[member][0]))}` });
      await ask(id, 400, { ...asked(id), query: '?limit=0' });
      await ask(id, 400, { ...asked(id), query: '?cursor=not-one' });
    }
  });

  it('packed to those who take it, and the same unpacked', async () => {
    for (const path of ['/v1/updates', '/v1/changes', '/v1/openapi.json']) {
      const packed = await fetch(url + path, { headers: { ...keys.read, 'Accept-Encoding': 'gzip' } });
      const plain = await fetch(url + path, { headers: { ...keys.read, 'Accept-Encoding': 'gzip;q=0' } });
      assert.equal(packed.headers.get('content-encoding'), 'gzip', path);
      assert.equal(plain.headers.get('content-encoding'), null, path);
      assert.match(packed.headers.get('vary'), /Accept-Encoding/, path);
      assert.equal(await packed.text(), await plain.text(), path);
    }
  });

  it('304 to who has it already, with the same ETag, and HEAD as GET', async () => {
    for (const operation of operations()) {
      const { operationId: id, responses, method } = operation;
      if (method !== 'GET' || responses['304'] === undefined || id === 'getHost') {
        continue;
      }
      const { response } = await ask(id, 200, asked(id));
      const etag = response.headers.get('etag');
      const question = asked(id);
      const again = await ask(id, 304, { ...question, headers: { ...question.headers, 'If-None-Match': etag } });
      assert.equal(again.response.headers.get('etag'), etag, id);
      const path = pathOf(operation, question);
      const head = await fetch(url + path, { method: 'HEAD', headers: question.headers });
      assert.equal(head.status, 200, id);
      assert.equal(head.headers.get('etag'), etag, id);
    }
    const host = (await house.query('select host_id from report limit 1')).trim();
    const { response } = await ask('getHost', 200, { headers: keys.operate, host });
    await ask('getHost', 304, { headers: { ...keys.operate, 'If-None-Match': response.headers.get('etag') }, host });
  });

  it('401 to nobody, 403 to who may not', async () => {
    for (const operation of operations()) {
      const { operationId: id, responses } = operation;
      const roles = operation['x-roles'];
      if (roles.length === 0) {
        continue;
      }
      const question = asked(id);
      await ask(id, 401, { ...question, headers: { ...question.headers, Authorization: 'Bearer nothing' } });
      assert.ok(responses['403'], `${id}: 403 is described`);
      const other = roles.includes('viewer') ? keys.metrics : keys.read;
      await ask(id, 403, { ...question, headers: { ...question.headers, ...other } });
    }
    for (const id of ['getOperationsPage', 'getExecutivesPage', 'getSupportPage']) {
      await ask(id, 303, {});
    }
  });

  it('400 and 404 to what there is not', async () => {
    await ask('getUpdate', 404, { headers: keys.read, id: UNKNOWN });
    for (const id of ['getImpact', 'getCost', 'getCourse']) {
      await ask(id, 404, { headers: keys.read, id: UNKNOWN });
    }
    await ask('getSnapshot', 400, { ...asked('getSnapshot'), id: 'short' });
    await ask('getSnapshot', 404, { ...asked('getSnapshot'), id: '0123456789ab' });
    await ask('getVerdict', 404, { headers: keys.read, id: UNKNOWN });
    await ask('listOutreach', 404, { headers: keys.support, id: UNKNOWN });
    await ask('getHost', 400, { headers: keys.operate, host: 'no-uuid' });
    await ask('getHost', 404, asked('getHost'));
    await ask('reckonWhatIf', 400, { headers: keys.read });
    await ask('reckonWhatIf', 404, { headers: keys.read, query: `?update=${UNKNOWN}&set=cost_per_minute=1,2,3` });
    await ask('getAsset', 404, {});
  });

  it('at the support desk', async () => {
    const [first, second] = document.updates[0].outreach;
    const support = { ...keys.support, ...json };
    const other = { ...keys.other, ...json };
    await ask('takeCustomer', 200, asked('takeCustomer'));
    await ask('takeCustomer', 409, { headers: other, body: JSON.stringify({ customer: first.customer_id }) });
    await ask('takeCustomer', 204, { headers: support, body: '{"region":"nowhere"}' });
    await ask('takeCustomer', 404, { headers: support, body: '{"customer":"nobody"}' });
    await ask('takeCustomer', 400, { headers: support, body: '[]' });
    await ask('noteOutcome', 409, { ...asked('noteOutcome'), headers: other });
    await ask('noteOutcome', 400, { ...asked('noteOutcome'), body: '{"state":"taken"}' });
    await ask('noteOutcome', 404, { ...asked('noteOutcome'), id: UNKNOWN });
    await ask('noteOutcome', 200, asked('noteOutcome'));
    await ask('takeCustomer', 200, { headers: support, body: JSON.stringify({ customer: second.customer_id, reachable: false }) });
    await ask('releaseCustomer', 409, { ...asked('releaseCustomer'), headers: other });
    await ask('releaseCustomer', 200, asked('releaseCustomer'));
    await ask('releaseCustomer', 400, { ...asked('releaseCustomer'), body: '{' });
    await ask('releaseCustomer', 404, { ...asked('releaseCustomer'), id: UNKNOWN });
    for (const id of ['takeCustomer', 'noteOutcome', 'releaseCustomer']) {
      await ask(id, 415, { ...asked(id), headers: { ...keys.support, 'Content-Type': 'text/plain' } });
      await ask(id, 413, { ...asked(id), body: tooLong });
    }
  });

  it('about the hosts of a customer, in pages, too', async () => {
    const question = asked('listOutreachHosts');
    const most = document.updates[0].outreach.reduce((a, b) => (a.hosts_affected >= b.hosts_affected ? a : b));
    assert.ok(most.hosts_affected > 1);
    const whole = JSON.parse((await ask('listOutreachHosts', 200, { ...question, customer: most.customer_id })).text);
    assert.equal(whole.hosts.length, whole.hosts_affected);
    const back = whole.hosts.map(({ state }) => state === 'recovered');
    assert.deepEqual(back, [...back].sort(), 'who is still affected stands first');
    const paged = [];
    for (let query = '?limit=1'; query !== null;) {
      const { response, text } = await ask('listOutreachHosts', 200, { ...question, customer: most.customer_id, query });
      paged.push(...JSON.parse(text).hosts);
      const link = response.headers.get('link');
      query = link === null ? null : new URL(link.slice(1, link.indexOf('>')), url).search;
    }
    assert.deepEqual(paged, whole.hosts);
    await ask('listOutreachHosts', 404, { ...question, customer: 'nobody' });
    await ask('listOutreachHosts', 404, { ...question, id: UNKNOWN });
    await ask('listOutreachHosts', 400, { ...question, query: '?limit=0' });
    await ask('listOutreachHosts', 400, { ...question, query: '?cursor=-1' });
  });

  it('about what to say', async () => {
    const question = asked('writeAdvice');
    await ask('getAdvice', 404, { ...asked('getAdvice'), id: UNKNOWN });
    await ask('writeAdvice', 404, { ...question, id: UNKNOWN });
    await ask('writeAdvice', 400, { ...question, body: '{"explanation":"","workaround":"","version":0}' });
    await ask('writeAdvice', 200, question);
    await ask('getAdvice', 200, asked('getAdvice'));
    await ask('writeAdvice', 409, question);
    await ask('writeAdvice', 413, { ...question, body: JSON.stringify({ explanation: 'x'.repeat(70_000) }) });
    await ask('writeAdvice', 415, { ...question, headers: keys.support });
  });

  it('to who keeps the registry', async () => {
    const question = asked('importRegistry');
    await ask('importRegistry', 200, question);
    await ask('importRegistry', 400, { ...question, body: 'customer_id\n' });
    await ask('importRegistry', 404, { ...question, kind: 'agents' });
    await announce('importRegistry', 413, { ...question, length: 9 << 20 });
    await ask('importRegistry', 415, { ...question, headers: { ...keys.registry, ...json } });
  });

  it('about people to call', async () => {
    const question = asked('openContacts');
    await ask('openContacts', 400, { ...question, body: '{"update":"x"}' });
    await ask('openContacts', 404, { ...question, customer: 'nobody' });
    await ask('openContacts', 413, { ...question, body: tooLong });
    await ask('openContacts', 415, { ...question, headers: ann });
    await ask('openContacts', 403, { ...question, headers: { ...json, ...keys.support } });
    await ask('maskContacts', 403, { ...asked('maskContacts'), headers: keys.support });
  });

  it('at the way in', async () => {
    const link = async () => new URL(await house.signInLink(url, 'support', 'Ann')).search;
    const { response } = await ask('getSignIn', 303, { query: await link() });
    cookie = response.headers.get('set-cookie').split(';')[0];
    description.noteReached('getSignIn', 'link');
    await ask('getSignIn', 403, { query: '?link=part-of-one' });
    await ask('signIn', 303, { headers: form, body: (await link()).slice(1) });
    await ask('signIn', 400, { headers: form, body: 'name=' });
    await ask('signIn', 413, { headers: form, body: tooLong });
    await ask('signIn', 403, { ...asked('signIn'), headers: { ...form, ...otherSite } });
    for (let tries = 0; tries < 5; tries++) {
      await ask('signIn', 403, asked('signIn'));
    }
    await ask('signIn', 429, asked('signIn'));
    await ask('signOut', 403, { ...asked('signOut'), headers: otherSite });
    await ask('signOut', 413, { ...asked('signOut'), body: tooLong });
    await ask('signOut', 303, asked('signOut'));
  });

  it('503 while it has never reached its database', async () => {
    await house.stopDatabase();
    awayUrl = await house.serveAs('away', 'analyzer');
    for (const { operationId: id, responses } of operations()) {
      if (responses['503'] !== undefined) {
        const question = id === 'getSignIn' ? { query: `?link=epl_${'x'.repeat(43)}` } : asked(id);
        await ask(id, 503, { ...question, at: awayUrl });
      }
    }
    await house.end('away');
    await house.startDatabase();
  });

  it('405 with what is taken, and 404 elsewhere', () => description.assertNothingElse(nobody));

  it('and nothing is described that was not reached', () => {
    assert.deepEqual(description.missed(), []);
  });
});
