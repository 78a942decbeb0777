// A whole Epicenter of its own for a test: a private PostgreSQL on a Unix socket, a collector that
// takes a replay, an analyzer, on free loopback ports. Nothing is left behind.
//
// The hard thing is root: PostgreSQL refuses to run as root, so there it runs as the user postgres,
// from a directory under /tmp that this user owns.
//
// SPDX-License-Identifier: Apache-2.0

import { execFile, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const asPostgres = process.getuid() === 0 ? ['setpriv', '--reuid=postgres', '--regid=postgres', '--init-groups'] : [];
const READY_MS = 30_000; // to listen; a tenth of it is usual, sanitizers and a busy machine take more
const SETTLED_MS = 120_000; // to have read a whole replay, sanitizers included

export async function startHouse(buildDirectory) {
  const directory = mkdtempSync(join(tmpdir(), 'epicenter-browser-'));
  const { stdout } = await run('pg_config', ['--bindir']).catch(() => ({ stdout: '/usr/lib/postgresql/15/bin' }));
  const house = new House(buildDirectory, directory, stdout.trim());
  try {
    await house.makeCluster();
  } catch (error) {
    await house.stop();
    throw error;
  }
  return house;
}

class House {
  #build;
  #directory;
  #postgresBin;
  #programs = new Map();

  constructor(build, directory, postgresBin) {
    this.#build = build;
    this.#directory = directory;
    this.#postgresBin = existsSync(join(postgresBin, 'initdb')) ? postgresBin : '/usr/lib/postgresql/15/bin';
  }

  conninfo(role) {
    return `host=${this.#directory} user=${role} dbname=epicenter`;
  }

  path(name) {
    return join(this.#directory, name);
  }

  #postgres(program, ...args) {
    const [command, ...rest] = [...asPostgres, join(this.#postgresBin, program), ...args];
    return run(command, rest, { cwd: this.#directory, env: { PATH: process.env.PATH, LC_ALL: 'C.UTF-8' } });
  }

  async makeCluster() {
    if (asPostgres.length > 0) {
      await run('chown', ['postgres:postgres', this.#directory]);
    }
    await this.#postgres('initdb', '-D', this.path('data'), '-U', 'epicenter', '-A', 'trust', '-E', 'UTF8', '--no-sync');
    await this.startDatabase();
    await this.#postgres('createdb', '-h', this.#directory, '-U', 'epicenter', 'epicenter');
    await this.analyzer('migrate', '--database', this.conninfo('epicenter'));
  }

  startDatabase() {
    const settings = `-c listen_addresses='' -c unix_socket_directories=${this.#directory} -c fsync=off`;
    return this.#postgres('pg_ctl', 'start', '-w', '-D', this.path('data'), '-l', this.path('postgres.log'), '-o', settings);
  }

  stopDatabase() {
    return this.#postgres('pg_ctl', 'stop', '-w', '-m', 'fast', '-D', this.path('data'));
  }

  // What the database's owner is told, as psql -At has it.
  async query(sql) {
    const { stdout } = await this.#postgres('psql', '-h', this.#directory, '-U', 'epicenter', '-Atc', sql, 'epicenter');
    return stdout;
  }

  program(name) {
    const folder = name === 'fleetsim' ? 'tests/fleetsim' : name;
    return join(this.#build, folder, name);
  }

  analyzer(...args) {
    return run(this.program('analyzer'), args);
  }

  // Starts `collector serve` or `analyzer serve` and answers its URL once it listens.
  serve(name, ...args) {
    return this.serveAs(name, name, ...args);
  }

  // The same for a second one beside it, which end() knows as `as`.
  async serveAs(as, name, ...args) {
    const portFile = this.path(`${as}.port`);
    rmSync(portFile, { force: true });
    const child = spawn(
      this.program(name),
      ['serve', '--database', this.conninfo(`epicenter_${name}`), '--listen', '127.0.0.1:0', '--port-file', portFile, ...args],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    let log = '';
    child.on('error', (error) => (log = error.message));
    child.stderr.on('data', (chunk) => (log = (log + chunk).slice(-4000)));
    this.#programs.set(as, child);
    const deadline = Date.now() + READY_MS;
    while (!existsSync(portFile) || readFileSync(portFile, 'utf8').trim() === '') {
      if (child.exitCode !== null || Date.now() > deadline) {
        throw new Error(`${name} does not listen:\n${log}`);
      }
      await pause(50);
    }
    return `http://127.0.0.1:${readFileSync(portFile, 'utf8').trim()}`;
  }

  async end(name, signal = 'SIGTERM') {
    const child = this.#programs.get(name);
    this.#programs.delete(name);
    if (child && child.exitCode === null && child.signalCode === null) {
      const gone = new Promise((resolve) => child.once('exit', resolve));
      child.kill(signal);
      await gone;
    }
  }

  // Makes an account with a password.
  addAccount(name, role, password) {
    const child = run(this.program('analyzer'), ['account', 'add', name, '--role', role,
      '--database', this.conninfo('epicenter_analyzer')]);
    child.child.stdin.end(`${password}\n`);
    return child;
  }

  // A link that signs one browser in at `url`, as `name`.
  async signInLink(url, role, name = role) {
    const { stdout } = await this.analyzer('account', 'link', name, '--role', role, '--url', url,
      '--database', this.conninfo('epicenter_analyzer'));
    return stdout.trim();
  }

  // The headers with which a program may ask what support may, or what another scope allows.
  async keyHeaders(scope = 'support', name = 'tests') {
    const { stdout } = await this.analyzer('key', 'add', name, '--scope', scope,
      '--database', this.conninfo('epicenter_analyzer'));
    return { Authorization: `Bearer ${stdout.trim()}` };
  }

  // Makes the customers, seats and updates of a simulated fleet known.
  async importRegistry(scenario, hosts) {
    const out = this.path('fleet');
    await run(this.program('fleetsim'), ['registry', scenario, '--out', out, '--hosts', String(hosts)]);
    for (const kind of ['customers', 'seats', 'updates', 'contacts']) {
      await this.analyzer('import', kind, join(out, `${kind}.csv`), '--database', this.conninfo('epicenter_analyzer'));
    }
  }

  // Sends the reports of that fleet through a collector, until it has acknowledged them all.
  async replay(scenario, hosts) {
    const keys = this.path('replay-keys');
    const collector = await this.serve('collector', '--token-keys', keys, '--replay');
    const { stdout: token } = await run(this.program('collector'), ['token', '--token-keys', keys, '--replay']);
    const tokenFile = this.path('replay-token');
    writeFileSync(tokenFile, token, { mode: 0o600 });
    const fleet = ['--out', this.path('fleet'), '--hosts', String(hosts)];
    const door = ['--collector', collector, '--token-file', tokenFile];
    await run(this.program('fleetsim'), ['replay', scenario, ...fleet, ...door], { maxBuffer: 1 << 24 });
  }

  async stop() {
    for (const name of [...this.#programs.keys()]) {
      await this.end(name);
    }
    if (existsSync(this.path('data/postmaster.pid'))) {
      await this.#postgres('pg_ctl', 'stop', '-w', '-m', 'immediate', '-D', this.path('data')).catch(() => {});
    }
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

// The document of GET /v1/updates once the analyzer has taken in the whole replay: it has come to
// the last minutes of the scenario, and stops changing.
export async function settledDocument(url, headers, scenario) {
  const lastMinutes = Date.parse(JSON.parse(readFileSync(scenario, 'utf8')).span.until) - 2 * 60_000;
  const deadline = Date.now() + SETTLED_MS;
  let last = null;
  let same = 0;
  while (Date.now() < deadline) {
    const response = await fetch(`${url}/v1/updates`, { headers });
    const text = await response.text();
    same = response.status === 200 && text === last ? same + 1 : 0;
    if (same >= 4 && Date.parse(JSON.parse(text).as_of) >= lastMinutes) {
      return JSON.parse(text);
    }
    last = text;
    await pause(1000);
  }
  throw new Error(`the analyzer did not settle; its last answer: ${last?.slice(0, 500)}`);
}

export function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
