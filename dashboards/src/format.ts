// How do numbers, money and times read? By Intl in the reader's locale; times in UTC first, because
// a rollout crosses time zones, with the reader's own beside it where there is room.
//
// SPDX-License-Identifier: Apache-2.0

import type { CostEstimate, InstantRange, Range } from './api.js';

export const NOTHING = '–';

const whole = new Intl.NumberFormat(undefined, { maximumFractionDigits: 0 });
const oneDecimal = new Intl.NumberFormat(undefined, { maximumFractionDigits: 1 });
const oneDecimalKept = new Intl.NumberFormat(undefined, {
  minimumFractionDigits: 1,
  maximumFractionDigits: 1,
});
const twoDigits = new Intl.NumberFormat(undefined, { maximumSignificantDigits: 2 });
const percentage = new Intl.NumberFormat(undefined, { style: 'percent', maximumFractionDigits: 1 });
const plural = new Intl.PluralRules('en');

export function count(value: number | null): string {
  return value === null ? NOTHING : whole.format(value);
}

// "5,733–7,400"; one number where the ends read the same.
export function countRange(low: number, high: number): string {
  return whole.formatRange(low, high).replace('~', '');
}

export function decimal(value: number | null): string {
  return value === null ? NOTHING : oneDecimal.format(value);
}

// What something is divided by: below one it keeps digits enough for that.
export function divisor(value: number | null): string {
  return value !== null && value < 1 ? twoDigits.format(value) : decimal(value);
}

export function counted(value: number, one: string, many: string): string {
  return `${whole.format(value)} ${plural.select(value) === 'one' ? one : many}`;
}

// Rounded down, so that 100 % means all of them; and 0 % means none.
export function share(part: number, all: number): string {
  if (all === 0) {
    return NOTHING;
  }
  const tenths = Math.floor((1000 * part) / all);
  return tenths === 0 && part > 0 ? `< ${percentage.format(0.001)}` : percentage.format(tenths / 1000);
}

// A rate ratio: two digits matter, the third is noise.
export function ratio(value: number | null): string {
  if (value === null) {
    return NOTHING;
  }
  return value < 10 ? oneDecimalKept.format(value) : whole.format(value);
}

export function ratioInterval(range: Range): string {
  if (!range.low) {
    return range.high === null ? 'any' : `≤ ${ratio(range.high)}`;
  }
  return range.high === null ? `≥ ${ratio(range.low)}` : `${ratio(range.low)}–${ratio(range.high)}`;
}

// The exponent of 10^x, for a <sup>.
export function exponent(log10: number): string {
  return (Math.abs(log10) < 100 ? oneDecimalKept : whole).format(log10).replace('-', '−');
}

// To make a formatter costs more than to use it a hundred times, and a page has a handful.
const kept = new Map<string, Intl.NumberFormat>();

function keep(name: string, make: () => Intl.NumberFormat): Intl.NumberFormat {
  const known = kept.get(name) ?? make();
  kept.set(name, known);
  return known;
}

function makeMoneyFormat(currency: string): Intl.NumberFormat {
  const options = { notation: 'compact', maximumSignificantDigits: 3 } as const;
  try {
    return new Intl.NumberFormat(undefined, {
      ...options,
      style: 'currency',
      currency,
      currencyDisplay: 'narrowSymbol', // the code stands beside it, once
    });
  } catch {
    return new Intl.NumberFormat(undefined, options); // not an ISO 4217 code: the figure still counts
  }
}

function moneyFormat(currency: string): Intl.NumberFormat {
  return keep(currency, () => makeMoneyFormat(currency));
}

export function money(value: number | null, cost: CostEstimate): string {
  return value === null || cost.currency === null ? NOTHING : moneyFormat(cost.currency).format(value);
}

export function moneyRange(cost: CostEstimate): string {
  if (cost.currency === null || cost.p10 === null || cost.p90 === null) {
    return NOTHING;
  }
  return moneyFormat(cost.currency).formatRange(cost.p10, cost.p90);
}

export function moneyBetween(low: number, high: number, cost: CostEstimate): string {
  return cost.currency === null ? NOTHING : moneyFormat(cost.currency).formatRange(low, high);
}

const clock = { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' } as const;
const calendar = { day: 'numeric', month: 'short' } as const;
const clockUtc = new Intl.DateTimeFormat(undefined, { ...clock, timeZone: 'UTC' });
const dayUtc = new Intl.DateTimeFormat(undefined, { ...calendar, timeZone: 'UTC' });
const fullUtc = new Intl.DateTimeFormat(undefined, {
  ...calendar,
  ...clock,
  year: 'numeric',
  timeZone: 'UTC',
});
const fullLocal = new Intl.DateTimeFormat(undefined, {
  ...calendar,
  ...clock,
  timeZoneName: 'short',
});

export function clockTime(instant: string): string {
  return clockUtc.format(Date.parse(instant));
}

// "22:38 UTC" on the day of `as_of`, "Apr 22, 22:38 UTC" on another.
export function instantUtc(instant: string, asOf: string | null): string {
  const at = Date.parse(instant);
  const sameDay = asOf !== null && new Date(at).toISOString().slice(0, 10) === asOf.slice(0, 10);
  return `${sameDay ? '' : `${dayUtc.format(at)}, `}${clockUtc.format(at)} UTC`;
}

// The same without the zone, for a column whose head says it.
export function instantShort(instant: string, asOf: string | null): string {
  return instantUtc(instant, asOf).slice(0, -' UTC'.length);
}

// "Sat 09:14 in Asia/Tokyo"; the name alone of a zone this browser does not know.
export function clockThere(instant: string, timeZone: string): string {
  try {
    const there = new Intl.DateTimeFormat(undefined, { ...clock, weekday: 'short', timeZone });
    return `${there.format(Date.parse(instant))} in ${timeZone}`;
  } catch {
    return timeZone;
  }
}

export function instantFull(instant: string): string {
  return `${fullUtc.format(Date.parse(instant))} UTC`;
}

// In the reader's own zone; empty where that is UTC anyway.
export function instantLocal(instant: string): string {
  const at = new Date(instant);
  return at.getTimezoneOffset() === 0 ? '' : fullLocal.format(at);
}

// "22:36–22:41"; empty where the interval is less than the minute the analyzer works in.
export function clockInterval(range: InstantRange): string {
  if (range.low === null || range.high === null || range.low === range.high) {
    return '';
  }
  return `${clockTime(range.low)}–${clockTime(range.high)}`;
}

function unit(value: number, name: 'second' | 'minute' | 'hour' | 'day'): string {
  const options = { style: 'unit', unit: name, unitDisplay: 'short', maximumFractionDigits: 0 } as const;
  return keep(name, () => new Intl.NumberFormat(undefined, options)).format(value);
}

// The two largest units are enough to act on: "42 sec", "5 min", "2 hr 10 min", "3 days".
export function duration(seconds: number): string {
  const rounded = Math.max(0, Math.round(seconds));
  if (rounded < 60) {
    return unit(rounded, 'second');
  }
  const minutes = Math.floor(rounded / 60);
  if (minutes < 60) {
    return unit(minutes, 'minute');
  }
  const hours = Math.floor(minutes / 60);
  if (hours < 48) {
    return minutes % 60 === 0
      ? unit(hours, 'hour')
      : `${unit(hours, 'hour')} ${unit(minutes % 60, 'minute')}`;
  }
  return unit(Math.floor(hours / 24), 'day');
}
