// Does the collector answer as collector/openapi.json says? Every operation is driven to every status
// the description gives it, at a real collector with a real PostgreSQL; and the bodies it takes and
// refuses are those that the description's schema takes and refuses.
//
// That the description has every route there is, tests/unit/test_collector_openapi.c sees.
//
// EPICENTER_BUILD_DIR: where the programs were built.
//
// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { readDescription } from './description.mjs';
import { pause, startHouse } from './house.mjs';

const buildDirectory = process.env.EPICENTER_BUILD_DIR;
assert.ok(buildDirectory, 'EPICENTER_BUILD_DIR names the built programs');

const NOTICED_MS = 30_000; // that the database is away; it is asked every few seconds
const json = { 'Content-Type': 'application/json' };
const lines = { 'Content-Type': 'application/x-ndjson' };
const senders = ['sendReports', 'sendCollectd'];
const stranger = { Authorization: 'Bearer nothing' };

let house;
let description;
let strictUrl; // of a collector that lets a host send once in a hundred seconds
let secret;
let host; // headers of the host pc-01
let gateway; // of who writes for any host of the same customer

function run(...args) {
  return execFileSync(house.program('collector'), args, { encoding: 'utf8' }).trim();
}

const bearer = (token) => ({ Authorization: `Bearer ${token}` });
const ask = (id, status, question) => description.ask(id, status, question);

function report(changes = {}) {
  return { host_id: 'pc-01', observed_at: new Date().toISOString(), cpu: { interval_s: 60, busy: 0.31 }, ...changes };
}

// As collectd 5.12 sent it, but now and of this host.
function collectd(name = 'pc-01') {
  const captured = JSON.parse(readFileSync(new URL('../fixtures/collectd/cpu_active.json', import.meta.url), 'utf8'));
  return captured.map((list) => ({ ...list, host: name, time: Date.now() / 1000 }));
}

// A good question of each operation.
function good(id) {
  return {
    sendReports: { headers: { ...host, ...json }, body: JSON.stringify(report()) },
    sendCollectd: { headers: { ...host, ...json }, body: JSON.stringify(collectd()) },
    enrol: { headers: json, body: JSON.stringify({ secret, host_id: 'pc-01' }) },
    getDescription: {},
    getHealth: {},
    getReadiness: {},
    getMetrics: {},
  }[id];
}

function withHeaders(id, headers, changes = {}) {
  return { ...good(id), ...changes, headers: { ...good(id).headers, ...headers } };
}

function schemaOf(id) {
  return description.operationOf(id).requestBody.content['application/json'].schema;
}

before(async () => {
  house = await startHouse(buildDirectory);
  const keys = house.path('token-keys');
  const url = await house.serve('collector', '--token-keys', keys);
  strictUrl = await house.serveAs('strict', 'collector', '--token-keys', keys, '--host-rate', '0.01');
  description = await readDescription(url);
  secret = run('enrol-secret', '--customer', 'acme', '--database', house.conninfo('epicenter'));
  host = bearer(run('token', '--token-keys', keys, '--customer', 'acme', '--host', 'pc-01'));
  gateway = bearer(run('token', '--token-keys', keys, '--customer', 'acme', '--gateway'));
}, { timeout: 120_000 });

after(() => house?.stop());

describe('the description', () => {
  it('has a name of its own for each operation, each with a question in this test', () => {
    const ids = [...description.operations()].map(({ operationId }) => operationId);
    assert.equal(new Set(ids).size, ids.length);
    for (const id of ids) {
      assert.ok(good(id), id);
    }
    assert.equal(description.document.openapi, '3.1.0');
  });

  it('has no schema that is never used', () => {
    assert.deepEqual(description.unused(), []);
  });
});

describe('the collector answers as described', () => {
  it('whoever sends what it takes, which is what the schemas take', async () => {
    for (const { operationId: id, requestBody } of description.operations()) {
      await ask(id, 200, good(id));
      if (requestBody !== undefined) {
        description.assertValid(schemaOf(id), JSON.parse(good(id).body), id);
      }
    }
    await ask('getMetrics', 200, { headers: { Accept: 'application/openmetrics-text; version=1.0.0' } });
    await ask('enrol', 200, { headers: host });
    await ask('enrol', 200, { headers: gateway });
    const [, token] = gateway.Authorization.split(' ');
    await ask('sendReports', 200, withHeaders('sendReports', { Authorization: `Basic ${btoa(`anybody:${token}`)}` }));
    await ask('sendReports', 200, withHeaders('sendReports', { 'Content-Encoding': 'gzip' }, { body: gzipSync(good('sendReports').body) }));
    await ask('sendCollectd', 200, { ...good('sendCollectd'), query: '?product_line=Endpoint&region=JP' });
    const whole = report({
      host: { product_line: 'Endpoint', os: 'Windows 11', attributes: { engine: '7.510' } },
      updates: [{ id: 'pattern/2.594.00', outcome: 'installed', at: new Date().toISOString() }],
      cpu: { interval_s: 60, busy: 0.31, peak: 1, product_busy: 0 },
    });
    description.assertValid(schemaOf('sendReports'), whole, 'a report with everything');
    const { text } = await ask('sendReports', 200, withHeaders('sendReports', {}, { body: JSON.stringify(whole) }));
    assert.deepEqual(JSON.parse(text), { accepted: 1, rejected: [] });
  });

  it('a line that is refused by its number, the others taken', async () => {
    const some = [JSON.stringify(report()), 'no report', JSON.stringify(report())].join('\n');
    const { text } = await ask('sendReports', 200, { headers: { ...gateway, ...lines }, body: some });
    const answer = JSON.parse(text);
    assert.equal(answer.accepted, 2);
    assert.deepEqual(answer.rejected.map(({ line }) => line), [2]);
    const many = [JSON.stringify(report()), ...Array(150).fill('no report')].join('\n');
    const counted = JSON.parse((await ask('sendReports', 200, { headers: { ...gateway, ...lines }, body: many })).text);
    assert.equal(counted.rejected_count, 150);
    assert.ok(counted.rejected.length < 150);
  });

  it('400 to what it cannot read, which the schema does not take either', async () => {
    const bad = [
      report({ host_id: undefined }),
      report({ host_id: 'x'.repeat(129) }),
      report({ observed_at: 'yesterday' }),
      report({ cpu: undefined }),
      report({ cpu: { interval_s: 0, busy: 0.5 } }),
      report({ cpu: { interval_s: 60, busy: 1.5 } }),
      report({ cpu: { interval_s: 60 } }),
      report({ host: { region: 7 } }),
      report({ host: { attributes: { Engine: '7.510' } } }),
      report({ updates: [{ id: 'a', outcome: 'perhaps', at: '2026-11-23T07:58:41Z' }] }),
      report({ updates: Array(65).fill({ id: 'a', outcome: 'failed', at: '2026-11-23T07:58:41Z' }) }),
      [report()],
    ];
    for (const body of bad.map((value) => JSON.stringify(value))) {
      assert.notEqual(description.errorsOf(schemaOf('sendReports'), JSON.parse(body)), null, body);
      await ask('sendReports', 400, { headers: { ...gateway, ...json }, body });
    }
    for (const id of [...senders, 'enrol']) {
      await ask(id, 400, { ...good(id), body: '{' });
    }
    for (const body of [{ secret }, { host_id: 'pc-01' }, { secret: 1, host_id: 'pc-01' }]) {
      assert.notEqual(description.errorsOf(schemaOf('enrol'), body), null);
      await ask('enrol', 400, { headers: json, body: JSON.stringify(body) });
    }
    for (const id of senders) {
      await ask(id, 400, withHeaders(id, { 'Idempotency-Key': 'x'.repeat(256) }));
    }
  });

  it('401 to nobody, 403 to who may not', async () => {
    for (const id of senders) {
      const { Authorization: _, ...headers } = good(id).headers;
      await ask(id, 401, { ...good(id), headers });
      const { response } = await ask(id, 401, withHeaders(id, stranger));
      assert.match(response.headers.get('www-authenticate'), /Bearer .*Basic /, id);
    }
    await ask('enrol', 401, { headers: stranger });
    await ask('enrol', 403, { headers: json, body: JSON.stringify({ secret: 'eps_unknown', host_id: 'pc-01' }) });
    await ask('sendReports', 403, withHeaders('sendReports', {}, { body: JSON.stringify(report({ host_id: 'pc-02' })) }));
    await ask('sendReports', 403, withHeaders('sendReports', {}, { body: JSON.stringify(report({ customer_id: 'other' })) }));
    await ask('sendCollectd', 403, withHeaders('sendCollectd', {}, { body: JSON.stringify(collectd('pc-02')) }));
  });

  it('413 to what is too large, sent or announced or unpacked', async () => {
    await ask('sendReports', 413, withHeaders('sendReports', {}, { body: JSON.stringify(report({ more: 'x'.repeat(70_000) })) }));
    await ask('sendReports', 413, withHeaders('sendReports', { 'Content-Encoding': 'gzip' }, { body: gzipSync('x'.repeat(70_000)) }));
    await description.announce('sendReports', 413, { headers: { ...host, ...lines }, length: 9 << 20 });
    await ask('sendCollectd', 413, withHeaders('sendCollectd', {}, { body: ' '.repeat(70_000) }));
    await ask('enrol', 413, { headers: json, body: JSON.stringify({ secret, host_id: 'x'.repeat(5_000) }) });
  });

  it('415 to what is in another form', async () => {
    await ask('sendReports', 415, withHeaders('sendReports', { 'Content-Type': 'text/plain' }));
    for (const id of senders) {
      const { response } = await ask(id, 415, withHeaders(id, { 'Content-Encoding': 'br' }));
      assert.equal(response.headers.get('accept-encoding'), 'gzip, zstd', id);
    }
  });

  it('a repeat as the first, and 422 to another body with its key', async () => {
    for (const id of senders) {
      const question = withHeaders(id, { 'Idempotency-Key': `"${id}"` });
      const first = await ask(id, 200, question);
      const again = await ask(id, 200, question);
      assert.equal(again.text, first.text, id);
      await ask(id, 422, { ...question, body: `${question.body} ` });
    }
  });

  it('429 to who sends too often, but 503 to collectd', async () => {
    await ask('sendReports', 200, { ...good('sendReports'), at: strictUrl });
    await ask('sendReports', 429, { ...good('sendReports'), at: strictUrl });
    await ask('sendCollectd', 503, { ...good('sendCollectd'), at: strictUrl });
    await ask('enrol', 429, { headers: host, at: strictUrl });
  });

  it('304 to who has the description, and HEAD as GET', async () => {
    const { response } = await ask('getDescription', 200, {});
    const etag = response.headers.get('etag');
    const again = await ask('getDescription', 304, { headers: { 'If-None-Match': etag } });
    assert.equal(again.response.headers.get('etag'), etag);
    for (const { path, method } of description.operations()) {
      if (method === 'GET') {
        const head = await fetch(description.url + path, { method: 'HEAD' });
        assert.equal(head.status, 200, path);
        assert.equal(await head.text(), '', path);
      }
    }
  });

  it('405 with what is taken, and 404 elsewhere', () => description.assertNothingElse());

  it('503 while the database is away, and 200 again', async () => {
    await house.stopDatabase();
    const deadline = Date.now() + NOTICED_MS;
    while ((await fetch(`${description.url}/readyz`)).status === 200 && Date.now() < deadline) {
      await pause(100);
    }
    for (const { operationId: id, responses } of description.operations()) {
      await ask(id, responses['503'] === undefined ? 200 : 503, good(id));
    }
    await house.startDatabase();
    while ((await fetch(`${description.url}/readyz`)).status !== 200 && Date.now() < deadline) {
      await pause(100);
    }
    await ask('getReadiness', 200, {});
    await ask('sendReports', 200, good('sendReports'));
  });

  it('and nothing is described that was not reached', () => {
    assert.deepEqual(description.missed(), []);
  });
});
