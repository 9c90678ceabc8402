'use strict';
// The Node runtime: serves POST /init and POST /run on a listening Unix socket that this process inherits.
// Started as `node main.js FD`. Needs nothing but Node's own modules; works on Node 14 and later.

const net = require('net');
const logs = require('./logs');
const { RequestReader, answerText } = require('./http');
const { Service } = require('./service');

function serve(socket, service) {
  const answer = ({ status, body }) => socket.writable && socket.write(answerText(status, body));
  const reader = new RequestReader((path, body) => service.handle(path, body).then(answer));
  socket.on('data', (chunk) => reader.push(chunk));
  socket.on('error', () => socket.destroy());
}

logs.install();
const service = new Service();
net.createServer((socket) => serve(socket, service)).listen({ fd: Number(process.argv[2]) });
