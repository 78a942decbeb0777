// Which hosts of a customer were hit, and how are they now? The list of
// GET /v1/updates/{id}/outreach/{customer}/hosts, asked for while the customer's panel is open.
//
// SPDX-License-Identifier: Apache-2.0

import { html, nothing, type TemplateResult } from 'lit-html';
import { ask, updatePath } from './ask.js';
import * as format from './format.js';

interface Host {
  host_id: string;
  product_line: string | null;
  os: string | null;
  os_version: string | null;
  state: 'pinned' | 'elevated' | 'silent' | 'returning' | 'recovered';
  installed_at: string | null;
  onset_at: string;
  recovered_at: string | null;
  last_seen_at: string;
}

interface HostList {
  partner: string | null;
  time_zone: string | null;
  hosts_affected: number;
  hosts_reporting: number;
  hosts: Host[];
}

const PAGE = 100;
const MOST = 1000; // what the analyzer keeps of a customer

export class Hosts {
  #changed: () => void;
  #asked = '';
  #path = '';
  #limit = PAGE;
  list: HostList | null = null; // null: not there yet, or not to be had
  trouble = '';

  constructor(changed: () => void) {
    this.#changed = changed;
  }

  // Says whose are to be shown, and as of when; asks when either is another. '': nobody's.
  want(update: string, customer: string, asOf: string | null): void {
    const path = customer === '' ? '' : `${updatePath(update)}/outreach/${encodeURIComponent(customer)}/hosts`;
    if (path !== this.#path) {
      this.#path = path;
      this.#limit = PAGE;
      this.list = null;
      this.trouble = '';
    }
    const asked = path === '' ? '' : `${path}?limit=${this.#limit} ${asOf ?? ''}`;
    if (asked !== this.#asked) {
      this.#asked = asked;
      void (asked === '' || this.#ask());
    }
  }

  get isCut(): boolean {
    return this.list !== null && this.list.hosts.length >= this.#limit && this.#limit < MOST;
  }

  more(): void {
    this.#limit = Math.min(MOST, this.#limit + PAGE);
    this.#changed();
  }

  async #ask(): Promise<void> {
    const asked = this.#asked;
    const { value, trouble } = await ask<HostList>(asked.slice(0, asked.indexOf(' ')));
    if (asked === this.#asked) {
      this.list = value ?? this.list;
      this.trouble = trouble === '' ? '' : `Its hosts cannot be listed now: ${trouble}.`;
      this.#changed();
    }
  }
}

function row(host: Host, asOf: string | null): TemplateResult {
  const at = (instant: string | null): string => (instant === null ? format.NOTHING : format.instantShort(instant, asOf));
  const system = [host.product_line, host.os, host.os_version].filter((part) => part !== null).join(' ');
  return html`<tr>
    <th scope="row">${system}<span class="id">${host.host_id}</span></th>
    <td class="is-${host.state}">${host.state}${host.recovered_at === null ? nothing : html`<span class="id">${at(host.recovered_at)}</span>`}</td>
    <td>${at(host.onset_at)}</td>
    <td>${at(host.installed_at)}</td>
    <td>${at(host.last_seen_at)}</td>
  </tr>`;
}

// "12 pinned · 2 recovered", in the order of the list.
function summary(hosts: readonly Host[]): string {
  const counts = new Map<string, number>();
  for (const { state } of hosts) {
    counts.set(state, (counts.get(state) ?? 0) + 1);
  }
  return [...counts].map(([state, count]) => `${format.count(count)} ${state}`).join(' · ');
}

// What is known of the customer besides; nothing until it is there.
export function hostFacts({ list }: Hosts, asOf: string | null): TemplateResult | typeof nothing {
  if (list === null) {
    return nothing;
  }
  const { partner, time_zone: zone, hosts_affected: hit, hosts_reporting: all } = list;
  return html`<dl class="facts">
    ${partner === null ? nothing : html`<div><dt>Call its partner</dt><dd>${partner}</dd></div>`}
    ${zone === null || asOf === null ? nothing : html`<div><dt>Time there</dt><dd>${format.clockThere(asOf, zone)}</dd></div>`}
    <div><dt>Hosts hit</dt><dd>${format.count(hit)} of ${format.count(Math.max(hit, all))}</dd></div>
  </dl>`;
}

export function hostList(feed: Hosts, asOf: string | null): TemplateResult {
  const { list, trouble } = feed;
  if (list === null) {
    return html`<p class="aside" role="status">${trouble === '' ? 'Asking for its hosts…' : trouble}</p>`;
  }
  const { hosts, hosts_affected: hit } = list;
  return html`<table class="host-list">
      <caption>${summary(hosts)}${hosts.length < hit ? ` · the first ${format.count(hosts.length)}` : ''}
        <span class="aside">Times are UTC.</span></caption>
      <thead><tr><th scope="col">Host</th><th scope="col">State</th><th scope="col">Since</th>
        <th scope="col">Installed</th><th scope="col">Last heard</th></tr></thead>
      <tbody>${hosts.map((host) => row(host, asOf))}</tbody>
    </table>
    ${feed.isCut ? html`<p><button type="button" @click=${() => feed.more()}>Show more</button></p>` : nothing}
    <p class="aside" role="status">${trouble}</p>`;
}
