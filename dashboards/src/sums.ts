// What do the cells of region and product line come to along one of the two? Observed customers and
// hosts, and likely customers whose seats do not report.
//
// SPDX-License-Identifier: Apache-2.0

import { observed, type ImpactCell } from './api.js';

export interface Sum {
  name: string;
  customers: number;
  hosts: number;
  estimated: number;
}

export function sumOf(name: string, cells: readonly ImpactCell[]): Sum {
  const sum = { name, customers: 0, hosts: 0, estimated: 0 };
  for (const cell of cells) {
    sum.customers += observed(cell.customers);
    sum.hosts += observed(cell.hosts);
    sum.estimated += cell.customers.estimated.likely ?? 0;
  }
  return sum;
}

// One sum for each value of the dimension, the most affected first.
export function sums(cells: readonly ImpactCell[], dimension: 'region' | 'product_line'): Sum[] {
  const names = [...new Set(cells.map((cell) => cell[dimension]))];
  return names
    .map((name) => sumOf(name, cells.filter((cell) => cell[dimension] === name)))
    .sort((a, b) => b.customers - a.customers || a.name.localeCompare(b.name));
}
