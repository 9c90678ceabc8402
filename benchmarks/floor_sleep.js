// The sleep of actions/sleep.js in a bare server.
const http = require("http");

const server = http.createServer((request, response) => {
  let body = "";
  request.on("data", (chunk) => (body += chunk));
  request.on("end", () => {
    const answer = JSON.stringify({ slept: JSON.parse(body).name });
    setTimeout(() => {
      response.writeHead(200, { "content-type": "application/json", "content-length": Buffer.byteLength(answer) });
      response.end(answer);
    }, 50);
  });
});
server.keepAliveTimeout = 0;
server.listen(process.argv[2], () => console.log("ready"));
