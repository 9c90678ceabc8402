'use strict';

const http = require('http');
const https = require('https');

const CONNECT_TIMEOUT_MS = 3000;
const LONGEST_BYTES = 1000000;

/** Fetches the URL `payload` (`http://` when it names no protocol); resolves to the body, or to what went wrong. */
async function main({ payload }) {
  try {
    return { msg: await fetchText(addressOf(payload)) };
  } catch (error) {
    return { error: explain(error) };
  }
}

function addressOf(payload) {
  if (typeof payload !== 'string' || payload === '') {
    throw new Error("Could not resolve host: the parameter 'payload' must be a URL.");
  }
  return new URL(/^https?:\/\//i.test(payload) ? payload : `http://${payload}`);
}

function fetchText(url) {
  const { get } = url.protocol === 'https:' ? https : http;
  return new Promise((resolve, reject) => {
    const request = get(url, { agent: false }, (response) => collect(response).then(resolve, reject));
    request.setTimeout(CONNECT_TIMEOUT_MS, () => request.destroy(new Error(`No answer from ${url.host} within 3 seconds.`)));
    request.on('error', reject);
  });
}

async function collect(response) {
  const parts = [];
  let size = 0;
  for await (const part of response) {
    parts.push(part);
    size += part.length;
    if (size > LONGEST_BYTES) throw new Error(`The answer is longer than ${LONGEST_BYTES} bytes.`);
  }
  return Buffer.concat(parts).toString();
}

function explain(error) {
  switch (error.code) {
    case 'ERR_INVALID_URL':
      return `Could not resolve host: ${error.input || 'the URL'} is not a URL.`;
    case 'ENOTFOUND':
      return `Could not resolve host: ${error.hostname}`;
    case 'EAI_AGAIN':
      return `Could not resolve host: ${error.hostname}. Actions may have no network on this platform.`;
    case 'ENETUNREACH':
      return `Could not connect to ${error.address}: actions may have no network on this platform.`;
    case 'ECONNREFUSED':
      return `Could not connect to ${error.address}:${error.port}: connection refused.`;
    default:
      return error.message;
  }
}
