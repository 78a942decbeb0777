// How did the evidence come about, ring by ring, and does it get better? The course of one update:
// what GET /v1/updates/{id}/course says beyond the list. It is asked for when the answers have changed, not
// at every poll, as it changes with them.
//
// SPDX-License-Identifier: Apache-2.0

import { html, nothing, svg, type TemplateResult } from 'lit-html';
import { guard } from 'lit-html/directives/guard.js';
import type { Answers, Compared, Range, UpdateAnswer } from './api.js';
import { dashes, type Line, type Mark, type Plot } from './chart.js';
import './chart.js';
import * as format from './format.js';

interface Contrast {
  attribute: string;
  within: string | null;
  value: string;
  exposed_hosts: number;
  rate_ratio: Range;
  compared: Compared;
}

// Of GET /v1/updates/{id}/course.
interface CourseDocument {
  course: {
    at: string[];
    log10_e_value: (number | null)[];
    rings: { ring: string; hosts: number[]; distressed: number[] }[];
  };
  contrasts: Contrast[];
}

interface Drawn {
  id: string;
  evidence: Plot;
  adoption: Plot;
  distress: Plot;
  recovery: Plot | null;
  contrasts: Contrast[];
}

const TABLE_ROWS = 12; // of the table under a chart: enough to see its shape
const CONTRASTS_AT_FIRST = 8;
const AGAIN_MS = 5_000; // as often as the answers are asked for

function seconds(at: string): number {
  return Date.parse(at) / 1000;
}

function marksOf(update: UpdateAnswer): Mark[] {
  const known: [string | null, string][] = [
    [update.onset.likely, 'onset'],
    [update.verdict === 'HOLD' ? update.decided_at : null, 'hold'],
    [update.withdrawn_at, 'withdrawn'],
  ];
  return known.flatMap(([at, name]) => (at === null ? [] : [{ at: seconds(at), name }]));
}

function draw(update: UpdateAnswer, { course, contrasts }: CourseDocument, alpha: number): Drawn {
  const { recovery } = update;
  const times = course.at.map(seconds);
  const marks = marksOf(update);
  // From the smallest to the largest, as a rollout goes.
  const rings = course.rings
    .filter((ring) => (ring.hosts.at(-1) ?? 0) > 0)
    .sort((a, b) => (a.hosts.at(-1) ?? 0) - (b.hosts.at(-1) ?? 0));
  const plot = (name: string, lines: Line[], tell: Plot['tell']): Plot => ({ name, times, lines, marks, level: null, tell });
  const percent = (value: number): string => format.share(Math.round(value * 10_000), 10_000);
  return {
    id: update.id,
    evidence: {
      ...plot('Evidence of harm', [{ name: 'evidence', values: course.log10_e_value }], format.decimal),
      level: { value: -Math.log10(alpha), name: `HOLD from ${format.decimal(-Math.log10(alpha))}` },
    },
    adoption: plot('Hosts with the update, by ring', rings.map(({ ring, hosts }) => ({ name: ring, values: hosts })), format.count),
    distress: plot(
      'Share of them that turned distressed, by ring',
      rings.map(({ ring, hosts, distressed }) => ({
        name: ring,
        values: hosts.map((all, i) => (all === 0 ? null : (distressed[i] ?? 0) / all)),
      })),
      percent,
    ),
    recovery:
      recovery.length < 2
        ? null
        : {
            name: 'Hosts harmed, and harmed still',
            times: recovery.map(({ at }) => seconds(at)),
            lines: [
              { name: 'harmed so far', values: recovery.map(({ harmed }) => harmed) },
              { name: 'still affected', values: recovery.map(({ still_affected: still }) => still) },
            ],
            marks: marks.filter(({ name }) => name === 'withdrawn'),
            level: null,
            tell: format.count,
          },
    contrasts,
  };
}

// Keeps the course of the update that is looked at as fresh as the answers are. One that could not be
// read is asked for again, as the answers may stay as they are.
export class CourseFeed {
  #changed: () => void;
  #asked = '';
  #askedAtMs = -Infinity;
  drawn: Drawn | null = null;
  failed = false;

  constructor(changed: () => void) {
    this.#changed = changed;
  }

  want(update: UpdateAnswer, answers: Answers, etag: string | null): void {
    const key = `${update.id} ${etag}`;
    const again = this.failed && performance.now() - this.#askedAtMs >= AGAIN_MS;
    if (key === this.#asked && !again) {
      return;
    }
    this.#asked = key;
    this.#askedAtMs = performance.now();
    void this.#ask(update, answers.alpha, key);
  }

  async #ask(update: UpdateAnswer, alpha: number, key: string): Promise<void> {
    let drawn: Drawn | null = null;
    try {
      const response = await fetch(`/v1/updates/${encodeURIComponent(update.id)}/course`, { headers: { Accept: 'application/json' } });
      if (response.ok) {
        drawn = draw(update, (await response.json()) as CourseDocument, alpha);
      }
    } catch {
      // The frame's own feed says that the analyzer does not answer.
    }
    if (key === this.#asked) {
      this.failed = drawn === null;
      this.drawn = drawn ?? (this.drawn?.id === update.id ? this.drawn : null);
      this.#changed();
    }
  }
}

function legend(lines: readonly Line[]): TemplateResult | typeof nothing {
  if (lines.length < 2) {
    return nothing;
  }
  return html`<ul class="legend">${lines.map(
    (line, index) => html`<li><svg width="28" height="10" aria-hidden="true">${svg`<line class="series-${index + 1}"
        x2="28" y1="5" y2="5" stroke-width="2" stroke-dasharray=${(dashes[index] ?? []).join(' ') || nothing}/>`}</svg>${line.name}</li>`,
  )}</ul>`;
}

function table(plot: Plot): TemplateResult {
  const last = plot.times.length - 1;
  const rows = Math.min(TABLE_ROWS, last + 1);
  const shown = Array.from({ length: rows }, (_, i) => Math.round((i * last) / Math.max(1, rows - 1)));
  return html`<details><summary>As a table</summary>
    <div class="scroll" role="group" tabindex="0" aria-label="${plot.name}, table"><table>
      <thead><tr><th scope="col">UTC</th>${plot.lines.map((line) => html`<th scope="col" class="number">${line.name}</th>`)}</tr></thead>
      <tbody>${shown.map(
        (i) => html`<tr><th scope="row">${format.clockTime(new Date((plot.times[i] ?? 0) * 1000).toISOString())}</th>
          ${plot.lines.map((line) => html`<td class="number">${line.values[i] == null ? format.NOTHING : plot.tell(line.values[i] ?? 0)}</td>`)}</tr>`,
      )}</tbody>
    </table></div></details>`;
}

function figure(plot: Plot, caption: string): TemplateResult {
  return html`<figure>
    <figcaption><strong>${plot.name}</strong> <span class="aside">${caption}</span></figcaption>
    <epicenter-chart .plot=${plot}></epicenter-chart>
    ${legend(plot.lines)} ${table(plot)}
  </figure>`;
}

function contrasts(rows: readonly Contrast[], all: boolean, showAll: () => void): TemplateResult | typeof nothing {
  if (rows.length === 0) {
    return nothing;
  }
  const shown = all ? rows : rows.slice(0, CONTRASTS_AT_FIRST);
  return html`<h3 id="contrasts-title">Exposed against control, by segment</h3>
    <p class="aside">Matched as the verdict is. Expected: onsets these hosts would have had without the update.</p>
    <div class="scroll" role="group" tabindex="0" aria-labelledby="contrasts-title">
    <table class="contrasts">
      <thead><tr><th scope="col">Segment</th><th scope="col" class="number">Exposed hosts</th>
        <th scope="col" class="number">Onsets compared</th>
        <th scope="col" class="number">Expected</th>
        <th scope="col" class="number">Rate ratio</th></tr></thead>
      <tbody>${shown.map(
        (row) => html`<tr><th scope="row"><span class="aside">${row.attribute.replaceAll('_', ' ')}</span>
            ${row.within === null ? '' : `${row.within} `}${row.value}</th>
          <td class="number">${format.count(row.exposed_hosts)}</td>
          <td class="number">${format.count(row.compared.onsets)}</td>
          <td class="number">${format.divisor(row.compared.expected)}</td>
          <td class="number ratio"><strong>${format.ratio(row.rate_ratio.likely)}</strong>
            <span class="aside">${row.rate_ratio.likely === null ? '' : format.ratioInterval(row.rate_ratio)}</span></td></tr>`,
      )}</tbody>
    </table></div>
    ${shown.length < rows.length
      ? html`<button type="button" class="more" @click=${showAll}>Show all ${format.count(rows.length)} segments</button>`
      : nothing}`;
}

export function course(feed: CourseFeed, id: string, all: boolean, showAll: () => void): TemplateResult {
  const drawn = feed.drawn?.id === id ? feed.drawn : null;
  return html`<section class="course" aria-labelledby="course-title">
    <header><h2 id="course-title">How it came about</h2><p class="of">${id}</p></header>
    ${guard([drawn, feed.failed, all], () =>
      drawn === null
        ? html`<p class="empty reserved">${feed.failed ? 'The course of this update could not be read.' : 'Reading the course…'}</p>`
        : drawn.evidence.times.length < 2
          ? html`<p class="empty">One minute so far: there is no course to draw yet.</p>`
          : html`<div class="figures-over-time">
                ${figure(drawn.evidence, 'power of ten of the e-value, read every minute')}
                ${figure(drawn.distress, 'within an hour of installing')}
                ${figure(drawn.adoption, 'installed so far')}
                ${drawn.recovery === null ? nothing : figure(drawn.recovery, 'where the update harms')}
              </div>
              ${contrasts(drawn.contrasts, all, showAll)}`,
    )}
  </section>`;
}
