'use strict';
// As much of HTTP/1.1 as the platform's own client speaks: requests with Content-Length, one after the other.
// Parsing by hand answers a warm request faster than the `http` module and loads less at the start.

const HEAD_END = Buffer.from('\r\n\r\n');
const REASONS = { 200: 'OK', 403: 'Forbidden', 500: 'Internal Server Error', 502: 'Bad Gateway' };

/** Cuts a connection's bytes into requests; calls `onRequest(path, body)` with a Buffer for each. */
class RequestReader {
  constructor(onRequest) {
    this.onRequest = onRequest;
    this.chunks = [];
    this.received = 0;
    this.request = null;
  }

  push(chunk) {
    this.chunks.push(chunk);
    this.received += chunk.length;
    while (this.takeOne());
  }

  takeOne() {
    if (this.request === null && !this.readHead()) return false;
    if (this.received < this.request.length) return false;
    const bytes = this.joined();
    const { path, length } = this.request;
    this.request = null;
    this.keep(bytes.subarray(length));
    this.onRequest(path, bytes.subarray(0, length));
    return this.received > 0;
  }

  readHead() {
    const bytes = this.joined();
    const end = bytes.indexOf(HEAD_END);
    this.keep(bytes);
    if (end < 0) return false;
    const head = bytes.toString('latin1', 0, end);
    const length = /^content-length: *(\d+)/im.exec(head);
    this.request = { path: head.split(' ', 2)[1], length: length === null ? 0 : Number(length[1]) };
    this.keep(bytes.subarray(end + HEAD_END.length));
    return true;
  }

  joined() {
    return this.chunks.length === 1 ? this.chunks[0] : Buffer.concat(this.chunks);
  }

  keep(bytes) {
    this.chunks = [bytes];
    this.received = bytes.length;
  }
}

/** One whole answer; `body` is JSON text. */
function answerText(status, body) {
  const head = `HTTP/1.1 ${status} ${REASONS[status]}\r\nContent-Type: application/json\r\n`;
  return `${head}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

module.exports = { RequestReader, answerText };
