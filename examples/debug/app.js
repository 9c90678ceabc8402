'use strict';
// The platform's Node runtime on port 8080, as debuggers expect it in a container: `node --inspect=0.0.0.0:9229 app.js`.

const net = require('net');
const { RequestReader, answerText } = require('/runtime/http');
const { Service } = require('/runtime/service');

const service = new Service();

net.createServer((socket) => {
  const answer = ({ status, body }) => socket.writable && socket.write(answerText(status, body));
  const reader = new RequestReader((path, body) => service.handle(path, body).then(answer));
  socket.on('data', (chunk) => reader.push(chunk));
  socket.on('error', () => socket.destroy());
}).listen(8080);
