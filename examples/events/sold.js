// Takes an event: its members are parameters, the whole of it is `event`.
function main({ type, data, event, __adobe_headers: headers }) {
  const attempt = Number(headers['x-adobe-retry-count'] || 0);
  console.log(`event ${event.eventid}, attempt ${attempt}`);
  return { sold: data.article, type, attempt };
}

exports.main = main;
