// What does DuckDB need to say how busy hosts were before and after they installed? The same columns
// as made_fleet.c makes, in memory, asked by one SQL statement; the median of three.
//
//   node rival.mjs HOSTS REPORTS_EACH THREADS
//
// Prints seconds. Exits with 2 where @duckdb/node-api cannot be found from here or through NODE_PATH.
// SPDX-License-Identifier: Apache-2.0
import { createRequire } from "node:module";

const [hosts, reportsEach, threads] = process.argv.slice(2).map(Number);
let duckdb;
try {
  duckdb = createRequire(import.meta.url)("@duckdb/node-api");
} catch {
  process.exit(2);
}

const instance = await duckdb.DuckDBInstance.create(":memory:", { threads: String(threads) });
const connection = await instance.connect();
await connection.run(`
  create table report as
  select h::integer as host, (h % 5 + 5 * r)::integer as minute,
    (case when (h * 7919 + r // 3 * 104729) % 10007 < 75 then 0.99
          else ((h * 31 + r * 1009) % 5003) / 10006 end)::double as busy
  from range(${reportsEach}) rounds(r), range(${hosts}) hosts(h)`);
await connection.run(`
  create table install as
  select h::integer as host, (h % 5 + 5 * (h // 11 % ${reportsEach}))::integer as minute
  from range(${hosts}) hosts(h)`);

const seconds = [];
for (let round = 0; round < 3; round++) {
  const started = process.hrtime.bigint();
  const answer = await connection.runAndReadAll(`
    select r.minute >= i.minute as after, floor(busy * 20)::integer as bucket, count(*) as reports
    from report r join install i using (host) group by all order by all`);
  seconds.push(Number(process.hrtime.bigint() - started) / 1e9);
  const counted = answer.getRows().reduce((sum, row) => sum + Number(row[2]), 0);
  if (counted !== hosts * reportsEach) throw new Error(`${counted} reports counted`);
}
console.log(seconds.sort((a, b) => a - b)[1]);
