// Who is at whom? The list of GET /v1/updates/{id}/outreach, and the three things an agent does to a
// customer. The hard thing is that colleagues do the same at the same time: the page never guesses,
// it asks, and says who was faster; what became of a change is told with the list that shows it.
//
// SPDX-License-Identifier: Apache-2.0

import type { OutreachEntry } from './api.js';
import { ask, sent, updatePath } from './ask.js';

export type State =
  | 'new'
  | 'taken'
  | 'reached'
  | 'message_left'
  | 'escalated'
  | 'fixed'
  | 'recovered'
  | 'dismissed';

export const stateWords: Record<State, string> = {
  new: 'To call',
  taken: 'Taken',
  reached: 'Reached',
  message_left: 'Message left',
  escalated: 'Escalated',
  fixed: 'Fixed',
  recovered: 'Recovered',
  dismissed: 'Dismissed',
};

// (outage + churn) × waiting × tier × criticality × reach ÷ minutes
export interface Parts {
  outage: number; // USD
  churn: number; // USD
  waiting: number;
  tier: number;
  criticality: number;
  reach: number;
  minutes: number;
}

export interface Place extends Omit<OutreachEntry, 'rank' | 'region'> {
  region: string | null; // null, as rank: no longer in the queue
  rank: number | null;
  score: number | null;
  parts: Parts | null;
  state: State;
  since: string | null;
  holder: string | null;
  held_until: string | null;
  note: string;
  version: number;
}

export type Progress = { region: string; customers: number } & Record<State, number>;

export interface DeskList {
  update: string;
  total: number;
  matching: number;
  customers: Place[];
  progress: Progress[];
}

export interface Choice {
  region: string; // '' for all
  reachable: boolean;
  open: boolean; // only those with whom nothing has come to an end
}

const openStates: readonly State[] = ['new', 'taken', 'message_left', 'escalated'];
const STALE_MS = 5_000; // as often as the answers are asked for

function query(choice: Choice): URLSearchParams {
  const parameters = new URLSearchParams();
  if (choice.region !== '') {
    parameters.set('region', choice.region);
  }
  if (choice.reachable) {
    parameters.set('reachable', '1');
  }
  if (choice.open) {
    parameters.set('state', openStates.join(','));
  }
  return parameters;
}

// Whether it is among what was chosen; whom the agent holds is listed in any case.
export function fits(place: Place, choice: Choice): boolean {
  return (choice.region === '' || place.region === choice.region) && (!choice.reachable || place.reachable_now)
    && (!choice.open || openStates.includes(place.state));
}

export class Desk {
  #changed: () => void;
  #key = ''; // what was asked for last
  #askedAtMs = -Infinity;
  #turn = 0; // of the newest question; older answers are dropped
  #changing = 0; // changes under way; no list is asked for meanwhile, it could be of before or after
  #update = '';
  #outcome = ''; // of the last change; a notice once a list shows it
  list: DeskList | null = null; // null: not there yet, or the desk cannot be reached
  notice = ''; // what became of the last thing the agent did

  constructor(changed: () => void) {
    this.#changed = changed;
  }

  path(update: string): string {
    return `${updatePath(update)}/outreach`;
  }

  csv(update: string, choice: Choice): string {
    const parameters = query(choice);
    parameters.set('format', 'csv');
    return `${this.path(update)}?${parameters}`;
  }

  // Says what is to be shown; asks when that is another thing, or the last answer has grown old.
  want(update: string, choice: Choice): void {
    const key = `${this.path(update)}?${query(choice)}`;
    if (update !== this.#update) {
      this.list = null;
    }
    const due = key !== this.#key || performance.now() - this.#askedAtMs >= STALE_MS;
    this.#update = update;
    this.#key = key;
    if (due && this.#changing === 0) {
      void this.#ask();
    }
  }

  async #ask(): Promise<void> {
    const turn = ++this.#turn;
    this.#askedAtMs = performance.now();
    const { value } = await ask<DeskList>(this.#key); // the frame says when the analyzer is away
    if (turn === this.#turn) {
      this.list = value;
      this.notice = this.#outcome;
      this.#changed();
    }
  }

  // Posts, says what came of it, and asks for the list again. The place as it is now, or null.
  async #change(path: string, body: object): Promise<Place | null> {
    this.#changing += 1;
    this.#turn += 1;
    const { status, value, trouble } = await ask<Place>(this.path(this.#update) + path, sent('POST', body));
    this.#changing -= 1;
    this.#outcome =
      value !== null
        ? `${value.name}: ${stateWords[value.state].toLowerCase()}.`
        : status === 204
          ? 'Nobody is left to call here.'
          : `Not done: ${trouble}.`;
    await this.#ask();
    return value;
  }

  // null: the next one to call.
  take(customer: string | null, choice: Choice): Promise<Place | null> {
    return this.#change('/take', customer === null
      ? { region: choice.region, reachable: choice.reachable }
      : { customer });
  }

  finish(customer: string, state: State, note: string): Promise<Place | null> {
    return this.#change(`/${encodeURIComponent(customer)}/outcome`, { state, note });
  }

  release(customer: string): Promise<Place | null> {
    return this.#change(`/${encodeURIComponent(customer)}/release`, {});
  }
}
