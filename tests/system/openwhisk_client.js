// Drives a server with the npm package openwhisk, as an application does; prints what it saw as one line of JSON.
const [home, apihost, api_key] = process.argv.slice(2);
const openwhisk = require(home);
const ow = openwhisk({ apihost, api_key });
const seen = {};

const refusal = (promise) => promise.then(() => 'no refusal', (error) => ({ status: error.statusCode, text: error.error && error.error.error }));
const until = async (look) => { for (;;) { const found = await look(); if (found) return found; } };

async function main() {
  seen.namespaces = await ow.namespaces.list();
  const action = "function main({name}) { console.log('hi'); return name ? {hello: name} : {error: 'no name'} }";
  seen.created = await ow.actions.create({ name: 'greet', action, params: { name: 'World' }, annotations: { why: 'test' } });
  seen.twice = await refusal(ow.actions.create({ name: 'greet', action }));
  seen.blocking = await ow.actions.invoke({ name: 'greet', blocking: true });
  seen.result = await ow.actions.invoke({ name: 'greet', blocking: true, result: true, params: { name: 'Ada' } });
  const { activationId } = await ow.actions.invoke({ name: 'greet' });
  seen.record = await until(() => ow.activations.get({ name: activationId }).catch(() => null));
  seen.recordResult = await ow.activations.result({ name: activationId });
  seen.logs = (await ow.activations.logs({ name: activationId })).logs;
  seen.failed = await ow.actions.invoke({ name: 'greet', blocking: true, params: { name: '' } })
    .then(() => 'no failure', (error) => ({ status: error.statusCode, response: error.error.response.result }));
  seen.updated = await ow.actions.update({ name: 'greet', action: "function main() { return {v: 2} }" });
  seen.afterUpdate = await ow.actions.invoke({ name: 'greet', blocking: true, result: true });
  seen.got = await ow.actions.get({ name: 'greet' });
  await ow.packages.update({ name: 'pack', package: { parameters: [{ key: 'from', value: 'package' }] } });
  await ow.actions.create({ name: 'pack/inner', action: 'function main(a) { return a }' });
  seen.packaged = await ow.actions.invoke({ name: 'pack/inner', blocking: true, result: true });
  seen.actions = (await ow.actions.list({ limit: 10 })).map(({ name }) => name);
  seen.packages = (await ow.packages.list()).map(({ name }) => name);
  seen.activations = (await ow.activations.list({ name: 'greet', limit: 2 })).map(({ name }) => name);
  seen.missing = await refusal(ow.actions.get({ name: 'nothing' }));
  seen.unknownKind = await refusal(ow.actions.create({ name: 'x', action: 'x', kind: 'cobol:85' }));
  seen.stranger = await refusal(openwhisk({ apihost, api_key: 'a:b' }).actions.list());
  for (const name of ['pack/inner', 'greet']) await ow.actions.delete({ name });
  await ow.packages.delete({ name: 'pack' });
  seen.left = (await ow.actions.list()).length;
}

main().then(() => console.log(JSON.stringify(seen)), (error) => { console.error(error); process.exit(1); });
