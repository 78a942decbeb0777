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
    response.setHeader('ETag', '"fixture"');
    if (request.headers['if-none-match'] === '"fixture"') {
      response.writeHead(304).end();
      return;
    }
    response.writeHead(200, { 'Content-Type': 'application/json' }).end(document);
  }

  const server = createServer((request, response) => {
    response.setHeader('Content-Security-Policy', contentSecurityPolicy);
    if (request.url === '/v1/updates') {
      answerUpdates(request, response);
      return;
    }
    const path = pages[request.url] ?? request.url;
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
    // What went wrong goes right from now on.
    mend() {
      state = { ...state, breaksAfter: undefined, away: false };
    },
    seen,
    stop() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}
