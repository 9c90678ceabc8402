exports.hello = (request, response) => response.json({ greeting: `Hello, ${request.body.name}!` });
