// What does the analyzer say, and is it still saying it? The document of GET /v1/updates, and a
// feed that polls it. The hard thing is to be honest about age: a browser's clock may be wrong, so
// time is the server's Date header carried forward by the monotonic clock.
//
// SPDX-License-Identifier: Apache-2.0

import { signInAgain } from './who.js';

export interface Range {
  low: number | null;
  likely: number | null;
  high: number | null; // null: no bound yet
}

// What a ratio is told from: its likely value is the one by the other.
export interface Compared {
  onsets: number;
  expected: number | null;
}

// Instants as RFC 3339 text in UTC.
export interface InstantRange {
  low: string | null;
  likely: string | null;
  high: string | null;
}

export type Verdict = 'HOLD' | 'SUSPECT' | 'INSUFFICIENT_DATA' | 'CLEAR';

export interface AffectedCount {
  confirmed: number;
  probable: number;
  estimated: Range; // those that do not report
  all: Range; // of the three together, nine times in ten
}

export interface ImpactCell {
  region: string;
  product_line: string;
  hosts: AffectedCount;
  customers: AffectedCount;
}

// Of ten thousand draws, in major units.
export interface CostFigure {
  p10: number;
  p50: number;
  p90: number;
}

export interface CostPart extends CostFigure {
  kind: string;
}

export interface CostEstimate {
  currency: string | null; // ISO 4217
  p10: number | null; // major units
  p50: number | null;
  p90: number | null;
  drivers?: { parameter: string; swing: number }[]; // the parameters it depends on most
  by_kind?: CostPart[]; // adds up to the whole, draw by draw
  further_hour?: CostFigure | null; // what one more hour before withdrawal adds
  deferred_revenue?: CostFigure | null; // this and the next two stand beside the cost
  revenue_at_risk?: CostFigure | null;
  customers_loss?: CostFigure | null;
}

export interface OutreachEntry {
  customer_id: string;
  name: string;
  region: string;
  rank: number;
  hosts_affected: number;
  reachable_now: boolean;
  reasons: string[];
}

// Hosts from here on, those that do not report included.
export interface Forecast {
  may_turn: Range; // have the update and show nothing yet
  next_hour: Range;
  four_hours: Range; // harmed by what is installed from now on: what a withdrawal spares
  spared_an_hour_ago: Range;
}

export interface UpdateAnswer {
  id: string;
  product_line: string | null;
  released_at: string | null;
  withdrawn_at: string | null;
  first_seen_at: string | null;
  verdict: Verdict;
  decided_at: string | null;
  sentence: string | null;
  action: string | null;
  reasons: string[];
  control: string | null;
  log10_e_value: number | null;
  rate_ratio: Range;
  compared: Compared;
  onset: InstantRange;
  ended?: InstantRange; // of new harm
  recovery: { at: string; harmed: number; still_affected: number }[]; // from the onset to now
  segment_text: string | null;
  installed_hosts: number;
  failed_hosts: number;
  rolled_back_hosts: number;
  exposed_now: number;
  exposed_onsets: number;
  impact: ImpactCell[];
  hosts_total: AffectedCount;
  customers_total: AffectedCount;
  degrees: { any: Range; over_a_tenth: Range; over_half: Range }; // customers, by share of their seats
  forecast: Forecast;
  cost: CostEstimate;
  outreach: OutreachEntry[]; // the first by rank
  outreach_total: number;
}

export interface FleetAnswer {
  hosts: number;
  reporting: number;
  pinned: number;
  elevated: number;
  silent: number;
  customers: number;
  unregistered_customers: number;
  reports: number;
  duplicate_reports: number;
  late_reports: number;
  skewed_hosts: number;
  attributes_left_out?: string[];
}

export interface Answers {
  as_of: string | null; // end of the last minute taken in
  alpha: number;
  fleet: FleetAnswer;
  updates: UpdateAnswer[]; // ranked by the analyzer
}

// loading: nothing heard yet · starting: the analyzer has no answers yet and says why · live ·
// database_away: it answers from memory until its database is back · unreachable: no answer, or
// none that can be read.
export type Link = 'loading' | 'starting' | 'live' | 'database_away' | 'unreachable';

export interface Snapshot {
  link: Link;
  answers: Answers | null; // the last that arrived, whatever the link is now
  answeredAtMs: number | null; // when the last good answer came, by the server's clock
  etag: string | null; // names the answers: the same numbers have the same
  trouble: string; // what the analyzer says is the matter; empty when nothing is
}

const POLL_MS = 5_000; // a verdict changes once a minute; a tenth of that is soon enough
const RETRY_MAX_MS = 30_000; // twice that and a page left open looks dead after a restart
const TIMEOUT_MS = 10_000; // a poll that takes two polls' time has failed

export class Feed {
  #changed: () => void;
  #failures = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #asking = false;
  #serverAheadMs = 0; // the server's clock less the page's monotonic clock
  #clockKnown = false;
  snapshot: Snapshot = { link: 'loading', answers: null, answeredAtMs: null, etag: null, trouble: '' };

  constructor(changed: () => void) {
    this.#changed = changed;
  }

  start(): void {
    document.addEventListener('visibilitychange', this.#visibility);
    void this.#ask();
  }

  stop(): void {
    document.removeEventListener('visibilitychange', this.#visibility);
    clearTimeout(this.#timer);
  }

  retry(): void {
    clearTimeout(this.#timer);
    void this.#ask();
  }

  // Now, by the server's clock.
  serverNowMs(): number {
    return this.#clockKnown ? performance.now() + this.#serverAheadMs : Date.now();
  }

  #visibility = (): void => {
    clearTimeout(this.#timer);
    if (!document.hidden) {
      void this.#ask();
    }
  };

  async #ask(): Promise<void> {
    if (this.#asking) {
      return;
    }
    this.#asking = true;
    try {
      await this.#poll();
      this.#failures = 0;
    } catch {
      this.#failures += 1;
      this.snapshot = { ...this.snapshot, link: 'unreachable', trouble: '' };
    }
    this.#asking = false;
    const wait = Math.min(POLL_MS * 2 ** Math.max(0, this.#failures - 1), RETRY_MAX_MS);
    if (!document.hidden) {
      this.#timer = setTimeout(() => void this.#ask(), wait);
    }
    this.#changed();
  }

  async #poll(): Promise<void> {
    const headers: Record<string, string> = { Accept: 'application/json' };
    if (this.snapshot.etag !== null) {
      headers['If-None-Match'] = this.snapshot.etag;
    }
    const response = await fetch('/v1/updates', {
      headers,
      cache: 'no-store',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    if (response.status === 401) {
      signInAgain();
      return;
    }
    this.#readClock(response);
    const away = response.headers.get('Epicenter-Database') === 'away';
    if (response.status === 503) {
      const { detail } = (await response.json()) as { detail?: string };
      const link = away ? 'database_away' : 'starting';
      this.snapshot = { ...this.snapshot, link, trouble: detail ?? '' };
      return;
    }
    let { answers, etag } = this.snapshot;
    if (response.status === 200) {
      answers = readAnswers(await response.json());
      etag = response.headers.get('ETag');
    } else if (response.status !== 304) {
      throw new TypeError(`GET /v1/updates was answered ${response.status}`);
    }
    this.snapshot = {
      link: away ? 'database_away' : 'live',
      answers,
      answeredAtMs: this.serverNowMs(),
      etag,
      trouble: '',
    };
  }

  #readClock(response: Response): void {
    const date = Date.parse(response.headers.get('Date') ?? '');
    if (!Number.isNaN(date)) {
      this.#serverAheadMs = date - performance.now();
      this.#clockKnown = true;
    }
  }
}

function readAnswers(value: unknown): Answers {
  const answers = value as Partial<Answers> | null;
  if (!answers || !Array.isArray(answers.updates) || typeof answers.fleet !== 'object') {
    throw new TypeError('not the document of GET /v1/updates');
  }
  return answers as Answers;
}

// Affected and seen: what the fleet itself reported, estimates for silent seats left out.
export function observed(affected: AffectedCount): number {
  return affected.confirmed + affected.probable;
}

const GRAVITY: Record<Verdict, number> = { HOLD: 0, SUSPECT: 1, INSUFFICIENT_DATA: 2, CLEAR: 3 };

// The update the page speaks of first: the gravest verdict, in the analyzer's order among equals.
export function worstUpdate(updates: readonly UpdateAnswer[]): UpdateAnswer | undefined {
  return [...updates].sort((a, b) => GRAVITY[a.verdict] - GRAVITY[b.verdict])[0];
}
