'use strict';
// What the runtime answers to /init and /run: the states of one action in one process.
// Texts and statuses are those of OpenWhisk's Node runtime, for people and clients compare them.

const { loadAction } = require('./load');
const { serializeError } = require('./errors');
const logs = require('./logs');

const failure = (status, error) => ({ status, body: JSON.stringify({ error }) });

class Service {
  constructor() {
    this.status = 'ready';
    this.entry = undefined;
    this.concurrent = false;
  }

  /** Always resolves, to `{status, body}`. */
  async handle(path, bytes) {
    let request;
    try {
      request = JSON.parse(bytes.toString());
    } catch (error) {
      return failure(500, 'Bad request.');
    }
    if (path === '/run') return this.run(request || {});
    if (path === '/init') return this.init((request && request.value) || {});
    return failure(500, 'Bad request.');
  }

  async init(value) {
    if (this.entry !== undefined) return refused('Cannot initialize the action more than once.');
    if (this.status !== 'ready') return refused(`System not ready, status is ${this.status}.`);
    if (!isText(value.main) || !(isText(value.code) || isText(value.directory))) {
      return failure(403, 'Missing main/no code to execute.');
    }
    this.status = 'starting';
    try {
      exportInit(value.env);
      this.entry = await loadAction(value);
    } catch (error) {
      this.status = 'stopped';
      return failure(502, `Initialization has failed due to: ${(error && error.stack) || error}`);
    }
    this.concurrent = value.concurrent === true;
    if (this.concurrent) logs.attribute();
    this.status = 'ready';
    return { status: 200, body: '{"ok":true}' };
  }

  async run(request) {
    if (this.entry === undefined) return refused('System not initialized.');
    if (this.status !== 'ready') return refused(`System not ready, status is ${this.status}.`);
    const value = request.value === undefined || request.value === null ? {} : request.value;
    if (typeof value !== 'object') return failure(403, `The argument must be an object but has type "${typeof value}".`);
    exportRun(request);
    if (this.concurrent) return logs.during(String(request.activation_id), () => this.call(value));
    this.status = 'running';
    try {
      return await this.call(value);
    } finally {
      this.status = 'ready';
    }
  }

  /** A synchronous throw is the developer's error, a rejection is the application's: clients rely on the difference. */
  async call(value) {
    const { entry } = this; // not called as our method: its `this` is nobody
    let pending;
    try {
      pending = entry(value);
    } catch (error) {
      console.error(error);
      return failure(502, `An error has occurred: ${error}`);
    }
    try {
      return answer(await pending);
    } catch (error) {
      return answer({ error: error ? serializeError(error) : {} });
    }
  }
}

/** Turn what the action returned into an answer; never throws. */
function answer(result) {
  if (result === undefined) return { status: 200, body: '{}' };
  if (typeof result !== 'object') return notAnObject(result);
  try {
    const body = JSON.stringify(result);
    return body === undefined ? notAnObject(body) : { status: 200, body: wellFormed(body) };
  } catch (error) {
    console.error(error);
    return failure(502, `An error has occurred: ${error}`);
  }
}

/** JSON.stringify escapes half a character (a lone surrogate), which strict readers refuse. */
function wellFormed(json) {
  if (!json.includes('\\ud')) return json;
  return json.replace(/\\\\|\\ud[89a-f][0-9a-f]{2}/g, (found) => (found === '\\\\' ? found : '\ufffd'));
}

function notAnObject(result) {
  console.error(`Result must be of type object but has type "${typeof result}":`, result);
  return failure(502, 'The action did not return a dictionary.');
}

function refused(text) {
  console.error(`Internal system error: ${text}`);
  return failure(403, text);
}

const isText = (value) => typeof value === 'string' && value !== '';

function exportInit(env) {
  for (const [key, value] of Object.entries(env || {})) {
    process.env[key] = typeof value === 'string' ? value : JSON.stringify(value);
  }
}

function exportRun(request) {
  for (const [key, value] of Object.entries(request)) {
    if (key !== 'value' && typeof value === 'string') process.env[`__OW_${key.toUpperCase()}`] = value;
  }
}

module.exports = { Service };
