'use strict';
// Standard output and error that are written when they are called: by the time an answer goes out, every line of its
// activation is in the pipe. Node's own streams may keep what a full pipe did not take.

const fs = require('fs');
const { Writable } = require('stream');

const MARK = '\x1d';
const NEWLINE = 0x0a;
const sleeper = new Int32Array(new SharedArrayBuffer(4));

let activations = null; // an AsyncLocalStorage once several activations run at a time

class LogStream extends Writable {
  constructor(fd) {
    super({ autoDestroy: false, emitClose: false });
    this.fd = fd;
  }

  _write(chunk, _encoding, done) {
    const activation = activations === null ? undefined : activations.getStore();
    writeAll(this.fd, activation === undefined ? chunk : activation.lines(this.fd, chunk));
    done();
  }
}

/** Writes all of it before it returns, whoever made the pipe non-blocking; a closed one swallows it. */
function writeAll(fd, bytes) {
  for (let at = 0; at < bytes.length; ) {
    try {
      at += fs.writeSync(fd, bytes, at);
    } catch (error) {
      if (error.code !== 'EAGAIN') return;
      Atomics.wait(sleeper, 0, 0, 1);
    }
  }
}

/** What one activation has begun to write: its lines carry its id, so that the platform can tell them apart. */
class ActivationLogs {
  constructor(id) {
    this.mark = Buffer.from(MARK + id + MARK);
    this.unfinished = { 1: [], 2: [] };
    this.ended = false;
  }

  /** The whole lines that `chunk` completes, marked; the rest waits for its end. */
  lines(fd, chunk) {
    const marked = [];
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      marked.push(this.mark, ...this.unfinished[fd], chunk.subarray(start, end + 1));
      this.unfinished[fd] = [];
      start = end + 1;
    }
    if (start < chunk.length) this.unfinished[fd].push(Buffer.from(chunk.subarray(start)));
    if (this.ended) marked.push(this.rest(fd));
    return Buffer.concat(marked);
  }

  rest(fd) {
    if (this.unfinished[fd].length === 0) return Buffer.alloc(0);
    const line = Buffer.concat([this.mark, ...this.unfinished[fd], Buffer.from('\n')]);
    this.unfinished[fd] = [];
    return line;
  }

  end() {
    this.ended = true;
    for (const fd of [1, 2]) writeAll(fd, this.rest(fd));
  }
}

/** Replace the process's own streams; console follows. */
function install() {
  for (const [name, fd] of [['stdout', 1], ['stderr', 2]]) {
    const stream = new LogStream(fd);
    Object.defineProperty(process, name, { configurable: true, enumerable: true, get: () => stream });
  }
}

/** From now on lines are marked with the activation that writes them. */
function attribute() {
  const { AsyncLocalStorage } = require('async_hooks');
  activations = new AsyncLocalStorage();
}

/** Run an async function as the activation `id`; what it left unfinished is written before this resolves. */
async function during(id, work) {
  const activation = new ActivationLogs(id);
  try {
    return await activations.run(activation, work);
  } finally {
    activation.end();
  }
}

module.exports = { install, attribute, during };
