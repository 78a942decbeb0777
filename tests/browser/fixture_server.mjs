// Plays the analyzer: serves the built pages with the analyzer's headers, and for each state of the
// page the answers that bring it about. The Date header is the state's own, so that ages are the
// same in every run.
//
// SPDX-License-Identifier: Apache-2.0

import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join } from 'node:path';
import { contentSecurityPolicy } from './browser.mjs';

const contentTypes = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

const pages = { '/': '/operations.html', '/executives': '/executives.html', '/support': '/support.html' };

// Each state: what GET /v1/updates answers (`document`, a file of fixtures/), how old the data is by
// the server's clock, and what goes wrong. `settled` is what the page shows when it is there.
// `failing` states make Chromium itself report the failed request on the console.
export const states = {
  loading: { hang: true, settled: 'Asking the analyzer' },
  empty: { document: 'empty', settled: 'Nothing has reported so far' },
  not_enough_data: { document: 'not_enough_data', ageS: 31, settled: 'Nothing on hold' },
  all_clear: { document: 'all_clear', ageS: 12, settled: 'All 3 updates in flight are clear' },
  one_bad: { document: 'one_bad', ageS: 24, settled: 'harms hosts with' },
  several_suspects: { document: 'several_suspects', ageS: 41, settled: 'may be harming' },
  late: { document: 'one_bad', ageS: 95, settled: 'Late' },
  stale: { document: 'one_bad', ageS: 240, settled: 'Stale' },
  replay: { document: 'one_bad', ageS: 680_000_000, settled: 'replayed data of' },
  database_away: { document: 'one_bad', ageS: 70, away: true, settled: 'The database is away' },
  database_away_at_start: { status: 503, away: true, failing: true, settled: 'waiting for its database' },
  starting: { status: 503, failing: true, settled: 'The reports are being read.' },
  unreachable: { document: 'one_bad', ageS: 70, breaksAfter: 1, failing: true, settled: 'The analyzer does not answer' },
  unreachable_at_start: { breaksAfter: 0, failing: true, settled: 'The analyzer does not answer' },
};

export function fixture(name) {
  return readFileSync(new URL(`fixtures/${name}.json`, import.meta.url), 'utf8');
}

export async function startFixtureServer(pagesDirectory, stateName) {
  let state = states[stateName];
  let etag = '"fixture"';
  let asked = 0;
  const seen = [];

  function answerUpdates(request, response) {
    asked += 1;
    seen.push({ ifNoneMatch: request.headers['if-none-match'] ?? null });
    if (state.hang) {
      return;
    }
    if (state.breaksAfter !== undefined && asked > state.breaksAfter) {
      response.destroy();
      return;
    }
    if (state.away) {
      response.setHeader('Epicenter-Database', 'away');
    }
    if (state.status === 503) {
      response.writeHead(503, { 'Content-Type': 'application/problem+json', 'Retry-After': '7' });
      response.end(
        '{"type":"about:blank","title":"Service Unavailable","status":503,' +
          '"detail":"there are no answers yet: the reports are being read"}',
      );
      return;
    }
    const document = fixture(state.document);
    const asOf = JSON.parse(document).as_of;
    if (asOf !== null) {
      response.sendDate = false;
      response.setHeader('Date', new Date(Date.parse(asOf) + state.ageS * 1000).toUTCString());
    }
    response.setHeader('ETag', etag);
    if (request.headers['if-none-match'] === etag) {
      response.writeHead(304).end();
      return;
    }
    response.writeHead(200, { 'Content-Type': 'application/json' }).end(document);
  }

  // The course of one update.
  function answerCourse(id, response) {
    response.writeHead(200, { 'Content-Type': 'application/json' });
    response.end(JSON.stringify({ update: id, as_of: null, ...JSON.parse(fixture('course')) }));
  }

  // Of an update that has a verdict: that it had to be waited for.
  function answerChanges(response) {
    const changes = JSON.parse(fixture(state.document)).updates
      .filter(({ verdict, decided_at: at }) => at !== null && verdict !== 'INSUFFICIENT_DATA')
      .map(({ id, decided_at, verdict, sentence, reasons, rate_ratio, e_value, log10_e_value }) =>
        ({ update: id, decided_at, verdict, previous: 'INSUFFICIENT_DATA', sentence, reasons, rate_ratio, e_value, log10_e_value }));
    response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify({ changes }));
  }

  // A desk for the outreach of the state's first update: one map from customer to case.
  const cases = new Map();
  const holds = [];

  function problem(response, status, detail) {
    response.writeHead(status, { 'Content-Type': 'application/problem+json' });
    response.end(JSON.stringify({ status, detail }));
  }

  const untouched = { state: 'new', since: null, holder: null, held_until: null, note: '', version: 0 };
  const parts = { outage: 1200, churn: 800, waiting: 1.5, tier: 3, criticality: 1, reach: 1, minutes: 35 };
  const placeOf = (entry) => ({ score: 257, parts, ...entry, ...(cases.get(entry.customer_id) ?? untouched) });

  // Whoever a page says it is; the analyzer knows from the session.
  const agentOf = (request) => request.headers['x-agent'] ?? 'Ann';

  function listOutreach(outreach, url, agent, response) {
    const wanted = url.searchParams.get('state')?.split(',');
    const region = url.searchParams.get('region');
    const all = outreach.map(placeOf);
    const own = (place) => place.holder !== null && place.holder === agent;
    const customers = all.filter((place) => own(place) ||
      ((!wanted || wanted.includes(place.state)) && (!region || place.region === region) &&
        (url.searchParams.get('reachable') !== '1' || place.reachable_now)));
    customers.sort((a, b) => own(b) - own(a));
    const progress = [...new Set(all.map((place) => place.region))].sort().map((name) => {
      const here = all.filter((place) => place.region === name);
      const states = ['new', 'taken', 'reached', 'message_left', 'escalated', 'fixed', 'recovered', 'dismissed'];
      return { region: name, customers: here.length,
        ...Object.fromEntries(states.map((one) => [one, here.filter((place) => place.state === one).length])) };
    });
    response.writeHead(200, { 'Content-Type': 'application/json' });
    response.end(JSON.stringify({ total: all.length, matching: customers.length, customers, progress }));
  }

  function changeOutreach(outreach, verb, id, body, agent, response) {
    const entry = outreach.find((one) => (verb === 'take' && body.customer === undefined
      ? placeOf(one).state === 'new' && (!body.region || one.region === body.region)
      : one.customer_id === (id ?? body.customer)));
    if (entry === undefined) {
      response.writeHead(204).end();
      return;
    }
    const { holder, version } = placeOf(entry);
    if (holder !== null && holder !== agent) {
      problem(response, 409, `${holder} has taken ${entry.customer_id}`);
      return;
    }
    const now = new Date(Date.UTC(2005, 3, 23)).toISOString();
    const state = verb === 'take' ? 'taken' : verb === 'release' ? 'new' : body.state;
    cases.set(entry.customer_id, { state, since: now, holder: verb === 'take' ? agent : null,
      held_until: verb === 'take' ? now : null, note: body.note ?? '', version: version + 1 });
    holds.push({ verb, customer: entry.customer_id, agent, state });
    response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(placeOf(entry)));
  }

  const openings = [];
  const people = {
    masked: { position: 1, task: 'IT', name: 'A…', phone: '… 42', email: 'a…@…' },
    clear: { position: 1, task: 'IT', name: 'Aiko Abe', phone: '+1 202 555 0142', email: 'aiko@acme.example' },
  };

  function answerContacts(request, url, response) {
    const [, customer, verb] = /^\/v1\/contacts\/([^/]+)(\/open)?$/.exec(url.pathname);
    let text = '';
    request.on('data', (bytes) => (text += bytes));
    request.on('end', () => {
      if (verb) {
        openings.push({ customer, agent: agentOf(request), ...JSON.parse(text) });
      }
      response.writeHead(200, { 'Content-Type': 'application/json' });
      response.end(JSON.stringify({ customer_id: customer, opened: Boolean(verb),
        contacts: [verb ? people.clear : people.masked] }));
    });
  }

  // What is said of the state's first update, and who wrote it.
  const said = { version: 0, workaround: 'No workaround has been tested yet. Note which computers are hit and what they show, and say when we call again.',
    explanation: 'An update of ours, pattern/2.594.00, makes computers very slow or hang: those with Windows XP SP2, engine 7.510, OfficeScan or VirusBuster. It began on 2005-04-22 at 22:38 UTC. We have withdrawn it: computers that do not have it yet will not get it.',
    written_by: null, written_at: null };

  function answerAdvice(request, response) {
    let text = '';
    request.on('data', (bytes) => (text += bytes));
    request.on('end', () => {
      const { version, explanation, workaround } = text === '' ? said : JSON.parse(text);
      if (version !== said.version) {
        problem(response, 409, `${said.written_by} has written version ${said.version} meanwhile: read that, then write again`);
        return;
      }
      if (text !== '') {
        Object.assign(said, { version: version + 1, explanation, workaround, written_by: agentOf(request),
          written_at: '2005-04-23T00:12:00Z' });
      }
      response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(said));
    });
  }

  function answerHosts(url, response) {
    const { outreach } = JSON.parse(fixture(state.document ?? 'one_bad')).updates[0];
    const id = decodeURIComponent(url.pathname.split('/').at(-2));
    const { hosts_affected: affected } = outreach.find((entry) => entry.customer_id === id);
    const states = ['pinned', 'pinned', 'silent', 'elevated', 'pinned', 'returning', 'recovered'];
    const hosts = Array.from({ length: Math.min(affected, Number(url.searchParams.get('limit'))) }, (_, i) => ({
      host_id: `7f0c${String(i).padStart(4, '0')}-5b1e-5c7a-9d42-1f3a8c60e2b4`, product_line: 'OfficeScan', os: 'Windows XP', os_version: 'SP2',
      state: states[i % 7], installed_at: i % 7 === 2 ? null : '2005-04-22T22:34:05Z', onset_at: `2005-04-22T22:${38 + (i % 20)}:00Z`,
      recovered_at: i % 7 === 6 ? '2005-04-23T00:09:00Z' : null, last_seen_at: i % 7 === 2 ? '2005-04-22T22:40:11Z' : '2005-04-23T00:13:31Z' }));
    response.writeHead(200, { 'Content-Type': 'application/json' });
    response.end(JSON.stringify({ customer_id: id, partner: id === outreach[0].customer_id ? 'Kanto Partner Desk' : null, time_zone: 'Asia/Tokyo',
      hosts_affected: affected, hosts_reporting: affected + 169, hosts }));
  }

  function answerOutreach(request, url, response) {
    const { outreach } = JSON.parse(fixture(state.document ?? 'one_bad')).updates[0];
    const [, id, verb] = /\/outreach(?:\/([^/]+))?\/(take|outcome|release)$/.exec(url.pathname) ?? [];
    if (request.method === 'GET') {
      listOutreach(outreach, url, agentOf(request), response);
      return;
    }
    let text = '';
    request.on('data', (bytes) => (text += bytes));
    request.on('end', () =>
      changeOutreach(outreach, verb, id && decodeURIComponent(id), JSON.parse(text), agentOf(request), response));
  }

  // Of a request that matches, only the answer is late: what it asks for has happened.
  let held = null;
  function holdBack(request, response) {
    if (held?.pattern.test(`${request.method} ${request.url}`)) {
      const { opened } = held;
      const end = response.end.bind(response);
      held.count += 1;
      response.end = (...bytes) => {
        void opened.then(() => end(...bytes));
        return response;
      };
    }
  }

  const server = createServer((request, response) => {
    holdBack(request, response);
    response.setHeader('Content-Security-Policy', contentSecurityPolicy);
    const url = new URL(request.url, 'http://localhost');
    if (url.pathname.endsWith('/advice')) {
      answerAdvice(request, response);
      return;
    }
    if (url.pathname.endsWith('/hosts')) {
      answerHosts(url, response);
      return;
    }
    if (url.pathname.includes('/outreach')) {
      answerOutreach(request, url, response);
      return;
    }
    if (url.pathname.startsWith('/v1/contacts/')) {
      answerContacts(request, url, response);
      return;
    }
    if (request.url === '/v1/me') {
      response.writeHead(200, { 'Content-Type': 'application/json' });
      response.end(JSON.stringify({ name: agentOf(request), role: 'support' }));
      return;
    }
    if (url.pathname.endsWith('/course')) {
      answerCourse(decodeURIComponent(url.pathname.split('/').at(-2)), response);
      return;
    }
    if (request.url === '/v1/changes') {
      answerChanges(response);
      return;
    }
    if (request.url === '/v1/updates') {
      answerUpdates(request, response);
      return;
    }
    const path = pages[url.pathname] ?? url.pathname;
    try {
      const bytes = readFileSync(join(pagesDirectory, path));
      response.writeHead(200, { 'Content-Type': contentTypes[extname(path)] }).end(bytes);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}/`,
    // The analyzer comes to other answers.
    become(name) {
      state = states[name];
      etag = `"${name}"`;
    },
    // What went wrong goes right from now on.
    mend() {
      state = { ...state, breaksAfter: undefined, away: false };
    },
    // Holds back the answers to what matches "METHOD /path" until release().
    hold(pattern) {
      held = { pattern, count: 0 };
      held.opened = new Promise((resolve) => (held.open = resolve));
    },
    heldBack: () => held?.count ?? 0,
    release() {
      held?.open();
      held = null;
    },
    seen,
    holds, // what was done at the desk, in order
    said, // what is said, now
    openings, // whose contacts were opened, by whom and why
    stop() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}
