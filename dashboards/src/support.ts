// The page for support: whom do I call first, and what do I say? The queue in the analyzer's order
// with the reasons for each place in it, narrowed to what this agent can do now, by keyboard.
//
// SPDX-License-Identifier: Apache-2.0

import { html, nothing, type TemplateResult } from 'lit-html';
import { repeat } from 'lit-html/directives/repeat.js';
import { AdviceFeed, adviceSection } from './advice.js';
import { worstUpdate, type Answers, type UpdateAnswer } from './api.js';
import { Contacts, people } from './contacts.js';
import { customer, outcomes } from './customer.js';
import { Desk, fits, stateWords, type Choice, type Place, type Progress } from './desk.js';
import * as format from './format.js';
import { Frame } from './frame.js';
import { hostFacts, hostList, Hosts } from './hosts.js';
import { arrowIcon } from './icons.js';

function filters(update: UpdateAnswer, choice: Choice, choose: (choice: Choice) => void): TemplateResult {
  const regions = [...new Set(update.outreach.map((entry) => entry.region))].sort((a, b) => a.localeCompare(b));
  const box = (name: string, checked: boolean, chosen: (on: boolean) => void): TemplateResult =>
    html`<label><input type="checkbox" .checked=${checked} @change=${(event: Event) =>
      chosen((event.target as HTMLInputElement).checked)}> ${name}</label>`;
  return html`<form class="filters" @submit=${(event: Event) => event.preventDefault()}>
    <label>Region <select @change=${(event: Event) =>
      choose({ ...choice, region: (event.target as HTMLSelectElement).value })}>
      <option value="">All</option>
      ${regions.map((region) => html`<option value=${region} ?selected=${region === choice.region}>${region}</option>`)}
    </select></label>
    ${box('Reachable now', choice.reachable, (reachable) => choose({ ...choice, reachable }))}
    ${box('Still to do', choice.open, (open) => choose({ ...choice, open }))}
  </form>`;
}

function stateOf(place: Place, own: boolean): TemplateResult {
  if (place.state === 'new') {
    return html`<p class="reach ${place.reachable_now ? 'now' : ''}">${place.reachable_now ? 'reachable now' : 'outside its hours'}</p>`;
  }
  const word = own ? 'yours' : place.holder === null ? stateWords[place.state].toLowerCase() : `with ${place.holder}`;
  return html`<p class="reach ${own ? 'own' : 'done'}">${word}</p>`;
}

function row(place: Place, own: boolean): TemplateResult {
  return html`<li class="place ${own ? 'own' : ''}" tabindex="-1" data-customer=${place.customer_id} data-state=${place.state}>
    <span class="rank">${place.rank === null ? format.NOTHING : format.count(place.rank)}</span>
    <div class="who">
      <p><button type="button" class="opener" aria-haspopup="dialog"><strong>${place.name}</strong></button> <span class="aside">${place.region === null ? '' : `${place.region} · `}${place.customer_id}</span></p>
      <p class="why">${place.reasons.join(' · ')}</p>
    </div>
    <p class="hosts"><strong>${format.count(place.hosts_affected)}</strong>
      <span class="aside">${place.hosts_affected === 1 ? 'host' : 'hosts'}</span></p>
    ${stateOf(place, own)}
  </li>`;
}

// The document's own head of the queue, while the desk cannot be asked.
function untouched(update: UpdateAnswer): Place[] {
  return update.outreach.map((entry) => ({
    ...entry, score: null, parts: null, state: 'new', since: null, holder: null, held_until: null, note: '', version: 0,
  }));
}

function progressTable(progress: readonly Progress[]): TemplateResult {
  const closed = (region: Progress): number => region.reached + region.fixed + region.recovered + region.dismissed;
  return html`<section class="progress" aria-labelledby="progress-title">
    <h2 id="progress-title">How far we are</h2>
    <table>
      <thead><tr><th scope="col">Region</th><th scope="col">Done</th><th scope="col">In hand</th><th scope="col">To call</th></tr></thead>
      <tbody>${progress.map(
        (region) => html`<tr><th scope="row">${region.region}</th>
          <td>${format.count(closed(region))}</td>
          <td>${format.count(region.taken + region.message_left + region.escalated)}</td>
          <td>${format.count(region.new)}</td></tr>`,
      )}</tbody>
    </table>
  </section>`;
}

class EpicenterSupport extends Frame {
  protected readonly name = 'Support';
  #choice: Choice = { region: '', reachable: false, open: true };
  #desk = new Desk(() => this.draw());
  #contacts = new Contacts(() => this.draw());
  #advice = new AdviceFeed(() => this.draw());
  #hosts = new Hosts(() => this.draw());
  #reasonsOpen = false;
  #shown: Place[] = [];
  #selected = ''; // the customer whose row had the focus last

  #choose(choice: Choice): void {
    this.#choice = choice;
    this.draw();
  }

  // All about the customer, before the page. The dialog is told to have closed some time after it has:
  // by then it may be open again, so that nobody but itself is asked.
  get #panel(): HTMLDialogElement | null {
    return this.querySelector('dialog');
  }

  get #panelOpen(): boolean {
    return this.#panel?.open ?? false;
  }

  #isOwn(place: Place): boolean {
    return place.holder !== null && place.holder === this.me?.name;
  }

  // While an agent is in the list its rows keep their order; whoever is new comes at the end.
  #steady(places: Place[]): Place[] {
    const focused = document.activeElement?.closest('.place');
    if (focused === null || focused === undefined || !this.contains(focused)) {
      return places;
    }
    const before = new Map(this.#shown.map((place, index) => [place.customer_id, index]));
    const at = (place: Place): number => before.get(place.customer_id) ?? before.size;
    return [...places].sort((a, b) => at(a) - at(b));
  }

  #focus(id: string): void {
    this.#selected = id;
    this.querySelector<HTMLElement>(
      this.#panelOpen ? '#customer-title' : `.place[data-customer="${CSS.escape(id)}"]`)?.focus();
  }

  #openPanel(id: string): void {
    this.#selected = id;
    this.#reasonsOpen = true;
    this.#panel?.showModal();
    this.draw();
    this.#focus(id);
  }

  // However it was closed.
  #closed = (): void => {
    this.draw();
    this.#focus(this.#selected);
  };

  #closePanel = (): void => this.#panel?.close();

  #edit = (): void => {
    this.#advice.edit();
    this.querySelector<HTMLElement>('.advice textarea')?.focus();
  };

  #leaveEditing = (): void => {
    this.#advice.leave();
    this.querySelector<HTMLElement>('.advice button')?.focus();
  };

  async #saveAdvice(form: HTMLFormElement): Promise<void> {
    const [explanation, workaround] = [...form.querySelectorAll('textarea')].map(({ value }) => value);
    if (await this.#advice.save(explanation ?? '', workaround ?? '')) {
      this.querySelector<HTMLElement>('.advice button')?.focus();
    }
  }

  async #take(id: string | null): Promise<void> {
    const taken = await this.#desk.take(id, this.#choice);
    if (taken !== null) {
      this.#focus(taken.customer_id);
    }
  }

  async #finish(place: Place, state: (typeof outcomes)[number], note: string): Promise<void> {
    const field = this.querySelector<HTMLTextAreaElement>('.customer textarea');
    const index = this.#shown.indexOf(place);
    if ((await this.#desk.finish(place.customer_id, state, note)) !== null && field !== null) {
      field.value = '';
    }
    this.#closePanel();
    const stays = this.#shown.some((one) => one.customer_id === place.customer_id);
    this.#focus((stays ? place : this.#shown[Math.min(index, this.#shown.length - 1)])?.customer_id ?? '');
  }

  #subject(): Place | undefined {
    return (
      this.#shown.find((place) => place.customer_id === this.#selected) ??
      this.#shown.find((place) => this.#isOwn(place))
    );
  }

  #step(by: number): void {
    const places = [...this.querySelectorAll<HTMLElement>('.place')];
    const at = places.indexOf(document.activeElement as HTMLElement);
    const next = places[Math.max(0, Math.min(places.length - 1, at + by))];
    this.#selected = next?.dataset['customer'] ?? '';
    next?.focus();
    this.draw();
  }

  // As in a mail reader; typing in a field stays typing.
  #press = (event: KeyboardEvent): void => {
    const target = event.target as HTMLElement;
    const typing = target.closest('.customer textarea, .customer input') !== null;
    if (event.ctrlKey || event.metaKey || event.altKey || target.closest('input, select, textarea')) {
      if (event.key === 'Escape' && typing) {
        this.#focus(this.#selected);
      }
      return;
    }
    const place = this.#subject();
    const own = place !== undefined && this.#isOwn(place);
    const outcome = outcomes[Number(event.key) - 1];
    if (this.#panelOpen && 'jke'.includes(event.key)) {
      return; // what lies behind the panel
    }
    if (event.key === 'Enter' && target.matches('.place')) {
      this.#openPanel(target.dataset['customer'] ?? '');
    } else if (event.key === 'e' && this.#advice.advice !== null && this.#advice.draft === null) {
      event.preventDefault(); // or the field begins with an e
      this.#edit();
    } else if (event.key === 'j' || event.key === 'k') {
      this.#step(event.key === 'j' ? 1 : -1);
    } else if (event.key === 'n') {
      void this.#take(null);
    } else if (event.key === 't' && place !== undefined && !own) {
      void this.#take(place.customer_id);
    } else if (event.key === 'r') {
      this.#reasonsOpen = !this.#reasonsOpen;
      this.draw();
    } else if (event.key === 'o' && own) {
      event.preventDefault(); // or the field begins with an o
      this.querySelector<HTMLElement>('.customer textarea')?.focus();
    } else if (event.key === 'c' && own) {
      event.preventDefault();
      this.querySelector<HTMLElement>('.people input')?.focus();
    } else if (event.key === 'x' && own) {
      void this.#desk.release(place.customer_id);
    } else if (outcome !== undefined && own) {
      void this.#finish(place, outcome, this.querySelector<HTMLTextAreaElement>('.customer textarea')?.value ?? '');
    }
  };

  // A row that is clicked is the one looked at, as one that j and k come to.
  #look = (event: Event): void => {
    const id = (event.target as HTMLElement).closest<HTMLElement>('.place')?.dataset['customer'];
    if (id === undefined) {
      return;
    }
    if (event.type === 'click' && (event.target as HTMLElement).closest('.opener') !== null) {
      this.#openPanel(id);
    } else if (id !== this.#selected) {
      this.#selected = id;
      this.draw();
    }
  };

  override connectedCallback(): void {
    super.connectedCallback();
    document.addEventListener('keydown', this.#press);
  }

  override disconnectedCallback(): void {
    document.removeEventListener('keydown', this.#press);
    super.disconnectedCallback();
  }

  #takeNext(): TemplateResult {
    return html`<p class="agent"><button type="button" @click=${() => void this.#take(null)}>Take the next <kbd>n</kbd></button></p>`;
  }

  async #openContacts(update: string, reason: string): Promise<void> {
    if (await this.#contacts.open(update, reason)) {
      this.#focus(this.#selected || (this.#subject()?.customer_id ?? ''));
    }
  }

  // All about the customer looked at: beside the queue, or with its hosts in the dialog.
  #about(update: string, asOf: string | null): TemplateResult | typeof nothing {
    const place = this.#subject();
    this.#contacts.want(this.me?.role === 'support' ? (place?.customer_id ?? '') : '');
    this.#hosts.want(update, this.#panelOpen ? (place?.customer_id ?? '') : '', asOf);
    if (place === undefined) {
      return nothing;
    }
    const own = this.#isOwn(place);
    const whom = people(this.#contacts, own, (reason) => void this.#openContacts(update, reason));
    return customer(place, own, this.#reasonsOpen, {
      take: () => void this.#take(place.customer_id),
      finish: (state, note) => void this.#finish(place, state, note),
      release: () => void this.#desk.release(place.customer_id),
    }, whom, ...(this.#panelOpen
      ? ([hostFacts(this.#hosts, asOf), hostList(this.#hosts, asOf)] as const)
      : ([nothing, html`<p class="outcomes"><button type="button"
          @click=${() => this.#openPanel(place.customer_id)}>Its hosts <kbd>Enter</kbd></button></p>`] as const)));
  }

  #dialog(about: TemplateResult | typeof nothing): TemplateResult {
    const press = (event: Event): void => {
      if (event.target === event.currentTarget) {
        this.#closePanel(); // beside it
      }
    };
    return html`<dialog class="drawer" aria-labelledby="customer-title" @close=${this.#closed} @click=${press}>
      <p class="closing"><button type="button" @click=${this.#closePanel}>Close <kbd>Esc</kbd></button></p>
      ${this.#panelOpen ? about : nothing}
    </dialog>`;
  }

  protected content(answers: Answers): TemplateResult {
    const update = worstUpdate(answers.updates.filter((candidate) => candidate.outreach.length > 0));
    if (update === undefined) {
      return html`<section class="headline clear" aria-labelledby="verdict">
        <h1 id="verdict">Nobody needs a call.</h1>
        <p class="action">${arrowIcon}<span>No update shows more distress than its control. This page fills by itself
          when one does.</span></p>
      </section>`;
    }
    this.#desk.want(update.id, this.#choice);
    this.#advice.want(update.id);
    const { list, notice } = this.#desk;
    const known = list?.customers ?? untouched(update); // by another choice, until the answer to this one
    this.#shown = this.#steady(known.filter((place) => this.#isOwn(place) || fits(place, this.#choice)));
    const about = this.#about(update.id, answers.as_of);
    return html`<h1 class="unseen">Customers to contact</h1>
      ${adviceSection(this.#advice, answers.as_of, {
        edit: this.#edit,
        save: (form) => void this.#saveAdvice(form),
        leave: this.#leaveEditing,
      })}
      <div class="desk">
        <section class="queue" aria-labelledby="queue-title">
          <header>
            <h2 id="queue-title">Call in this order</h2>
            <p class="of">${format.count(this.#shown.length)} shown, of ${format.counted(update.outreach_total, 'customer', 'customers')}
              · <a class="csv" href=${this.#desk.csv(update.id, this.#choice)}>As CSV</a></p>
            ${filters(update, this.#choice, (choice) => this.#choose(choice))}
            ${this.#takeNext()}
          </header>
          <p class="notice" role="status">${notice}</p>
          ${
            this.#shown.length === 0
              ? html`<p class="empty">Nobody in the head of the queue matches.</p>`
              : html`<ol @focusin=${this.#look} @click=${this.#look}>${repeat(
                  this.#shown, (place) => place.customer_id, (place) => row(place, this.#isOwn(place)))}</ol>`
          }
          <p class="keys">Ordered by the loss a call avoids for each minute it takes. <kbd>j</kbd> <kbd>k</kbd> move, <kbd>Enter</kbd> shows all about a customer,
            <kbd>n</kbd> takes the next, <kbd>t</kbd> takes this one, <kbd>r</kbd> shows why, <kbd>o</kbd> notes, <kbd>c</kbd> shows whom to call,
            <kbd>1</kbd>–<kbd>5</kbd> say what came of it, <kbd>x</kbd> lets go, <kbd>e</kbd> edits what to say.</p>
        </section>
        <div class="beside">
          ${this.#panelOpen ? nothing : about}
          ${list === null ? nothing : progressTable(list.progress)}
        </div>
      </div>
      ${this.#dialog(about)}`;
  }
}

customElements.define('epicenter-support', EpicenterSupport);
