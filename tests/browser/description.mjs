// An OpenAPI description, and a running program held to it: every question is asked of an operation
// with the status it should get, and the answer is held to what is described for that status by a
// validator that is not ours. At the end it tells what is described and was not reached.
//
// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request } from 'node:http';
import { createRequire } from 'node:module';
import { text as readText } from 'node:stream/consumers';

const require = createRequire(new URL('../../dashboards/package.json', import.meta.url));
const Ajv = require('ajv/dist/2020').default;
const addFormats = require('ajv-formats').default;

// Of the program at `url`, which serves it.
export async function readDescription(url) {
  return new Description(url, await (await fetch(`${url}/v1/openapi.json`)).json());
}

class Description {
  url;
  #validator;
  #reached = new Set(); // "operation status type", and "operation ?parameter"

  constructor(url, document) {
    this.url = url;
    this.document = document;
    this.#validator = new Ajv({ strict: true, allowUnionTypes: true, strictRequired: false, allErrors: true });
    addFormats(this.#validator);
    this.#validator.addVocabulary(['components']);
    this.#validator.addSchema({ $id: 'api', components: { schemas: document.components.schemas } });
  }

  resolve(value) {
    return value?.$ref === undefined ? value : value.$ref.slice(2).split('/').reduce((part, name) => part[name], this.document);
  }

  *operations() {
    for (const [path, item] of Object.entries(this.document.paths)) {
      for (const [method, operation] of Object.entries(item)) {
        yield { path, method: method.toUpperCase(), ...operation };
      }
    }
  }

  operationOf(id) {
    const found = [...this.operations()].find(({ operationId }) => operationId === id);
    assert.ok(found, `${id} is described`);
    return found;
  }

  // What is wrong with the value; null: nothing.
  errorsOf(schema, value) {
    const placed = JSON.parse(JSON.stringify(schema).replaceAll('"#/components', '"api#/components'));
    const validate = this.#validator.compile(placed);
    return validate(value) ? null : this.#validator.errorsText(validate.errors?.slice(0, 5));
  }

  assertValid(schema, value, what) {
    const errors = this.errorsOf(schema, value);
    assert.ok(errors === null, `${what}: ${errors}`);
  }

  // `values` are for the braces of the path.
  pathOf(operation, values, query = '') {
    return operation.path.replace(/\{(\w+)\}/g, (_, key) => values[key]) + query;
  }

  // Asks, and holds the answer to what is described for its status.
  async ask(id, status, { at = this.url, headers = {}, body, query, ...values } = {}) {
    const operation = this.operationOf(id);
    const path = this.pathOf(operation, values, query);
    const response = await fetch(at + path, { method: operation.method, headers, body, redirect: 'manual' });
    const text = await response.text();
    const what = `${operation.method} ${path}`;
    assert.equal(response.status, status, `${what}: ${text.slice(0, 300)}`);
    assert.ok(operation.responses[status], `${what}: ${status} is described`);
    this.#checkAnswer(id, response, this.resolve(operation.responses[status]), text, `${what} ${status}`);
    for (const { name } of (operation.parameters ?? []).map((one) => this.resolve(one))) {
      if (new URL(at + path).searchParams.has(name) && status === 200) {
        this.#reached.add(`${id} ?${name}`);
      }
    }
    return { response, text };
  }

  // The same with a body that is only announced: refused by its length, before it is sent.
  async announce(id, status, { headers, length, query, ...values }) {
    const operation = this.operationOf(id);
    const path = this.pathOf(operation, values, query);
    const announced = { ...headers, 'Content-Length': length, Expect: '100-continue' };
    const asking = request(this.url + path, { method: operation.method, headers: announced });
    asking.flushHeaders();
    const [answer] = await once(asking, 'response');
    const text = await readText(answer);
    asking.destroy();
    const what = `${operation.method} ${path}`;
    assert.equal(answer.statusCode, status, what);
    const response = { status, headers: new Headers(answer.headers) };
    this.#checkAnswer(id, response, this.resolve(operation.responses[status]), text, `${what} ${status}`);
  }

  #checkAnswer(id, response, described, text, what) {
    const type = response.headers.get('content-type')?.split(';')[0];
    if (described.content === undefined) {
      assert.equal(text, '', `${what}: no body`);
      this.#reached.add(`${id} ${response.status}`);
    } else {
      assert.ok(described.content[type], `${what}: ${type} is described`);
      const value = /json$/.test(type) ? JSON.parse(text) : text;
      this.assertValid(described.content[type].schema, value, what);
      if (type === 'application/problem+json') {
        assert.equal(value.status, response.status, what);
      }
      this.#reached.add(`${id} ${response.status} ${type}`);
    }
    for (const [name, reference] of Object.entries(described.headers ?? {})) {
      const header = this.resolve(reference);
      const value = response.headers.get(name);
      assert.ok(value !== null || !header.required, `${what}: ${name}`);
      if (value !== null) {
        this.assertValid(header.schema, value, `${what}: ${name}`);
      }
    }
  }

  // A parameter that no 200 to ask() shows.
  noteReached(id, parameter) {
    this.#reached.add(`${id} ?${parameter}`);
  }

  // Names that stand in it and are never used.
  unused() {
    const text = JSON.stringify(this.document);
    const kinds = ['schemas', 'responses', 'headers', 'parameters'];
    const names = kinds.flatMap((kind) => Object.keys(this.document.components[kind]).map((name) => `${kind}/${name}`));
    return names.filter((name) => !text.includes(`"#/components/${name}"`));
  }

  // What is described and was not reached.
  missed() {
    const missed = [];
    for (const { operationId: id, responses, parameters = [] } of this.operations()) {
      for (const [status, reference] of Object.entries(responses)) {
        const types = Object.keys(this.resolve(reference).content ?? { '': null });
        missed.push(...types.map((type) => `${id} ${status} ${type}`.trim()).filter((one) => !this.#reached.has(one)));
      }
      const queries = parameters.map((one) => this.resolve(one)).filter((parameter) => parameter.in === 'query');
      missed.push(...queries.map(({ name }) => `${id} ?${name}`).filter((one) => !this.#reached.has(one)));
    }
    return missed;
  }

  // 405 with what is taken to another method, on every path; 404 elsewhere.
  async assertNothingElse(values = {}) {
    const problem = { $ref: '#/components/schemas/Problem' };
    for (const operation of this.operations()) {
      const response = await fetch(this.url + this.pathOf(operation, values), { method: 'DELETE' });
      assert.equal(response.status, 405, operation.path);
      assert.ok(response.headers.get('allow').split(', ').includes(operation.method), operation.path);
      this.assertValid(problem, await response.json(), `DELETE ${operation.path}`);
    }
    const response = await fetch(`${this.url}/v1/nothing`);
    assert.equal(response.status, 404);
    this.assertValid(problem, await response.json(), 'GET /v1/nothing');
  }
}
