// Every method of every resource of the npm package openwhisk, against whatever server the client was made for.
// Runs as a program (`node openwhisk_calls.js PACKAGE '{"apihost", "api_key"}' '{...arguments}'`) and as the code of an action.
const WEB = "function main({name, __ow_method}) { return { body: { hello: name || 'nobody', method: __ow_method } } }";
const ECHO = 'function main(args) { return args }';
const GREET = "function main({name}) { console.log('hi'); console.error('oh'); return name ? {hello: name} : {error: 'no name'} }";
const OLD = 1;

// An action that runs these calls is called `calls`; it does not count among what they made.
const names = (rows) => rows.map(({ name }) => name).filter((name) => name !== 'calls').sort();
const pause = () => new Promise((resolve) => setTimeout(resolve, 50));

async function until (look) {
  const end = Date.now() + 40000;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (Date.now() > end) throw new Error(`never found by ${look}`);
    await pause();
  }
}

async function refusal (call) {
  try {
    return { answered: await call() };
  } catch (error) {
    const { error: body, statusCode, message } = error;
    return { status: statusCode, text: body && body.error, said: message.replace(/http\S+/, 'URL'), response: body && body.response };
  }
}

async function actions (ow, { zip }) {
  const limits = { timeout: 20000, memory: 128, logs: 1 };
  const created = await ow.actions.create({ name: 'greet', action: GREET, params: { name: 'World' }, annotations: { why: 'test' }, limits, version: '1.2.3' });
  const zipped = await ow.actions.create({ actionName: 'zipped', action: Buffer.from(zip, 'base64'), kind: 'nodejs:20' });
  const whole = await ow.actions.create({ name: 'whole', action: { exec: { kind: 'nodejs:default', code: ECHO }, parameters: [{ key: 'a', value: 1 }] } });
  const chain = await ow.actions.create({ name: 'chain', sequence: ['/_/whole', '/_/greet'] });
  const seen = {
    created, zipped, whole, chain,
    again: await refusal(() => ow.actions.create({ name: 'greet', action: GREET })),
    overwritten: await ow.actions.create({ name: 'whole', action: ECHO, overwrite: true, exec: { kind: 'nodejs:20' } }),
    updated: await ow.actions.update({ name: 'greet', params: { name: 'Ada' }, annotations: { also: 1 } }),
    got: await ow.actions.get('greet'),
    withoutCode: await ow.actions.get({ name: 'greet', code: false }),
    severalGot: names(await ow.actions.get(['greet', { name: 'chain' }])),
    listed: names(await ow.actions.list()),
    page: (await ow.actions.list({ limit: 2, skip: 1 })).length,
    counted: await ow.actions.list({ count: true }),
    accepted: Object.keys(await ow.actions.invoke('greet')),
    record: await ow.actions.invoke({ name: 'greet', blocking: true }),
    result: await ow.actions.invoke({ name: 'greet', blocking: true, result: true, params: { name: 'Grace' } }),
    several: await ow.actions.invoke([{ name: 'whole' }, { name: 'greet' }]).then((both) => both.length),
    fromZip: await ow.actions.invoke({ name: 'zipped', blocking: true, result: true, params: { n: 2 } }),
    throughChain: await ow.actions.invoke({ name: 'chain', blocking: true, result: true, params: { name: 'Joan' } }),
    failed: await refusal(() => ow.actions.invoke({ name: 'greet', blocking: true, result: true, params: { name: '' } })),
    missing: await refusal(() => ow.actions.get('nothing')),
    unknownKind: await refusal(() => ow.actions.create({ name: 'x', action: 'x', kind: 'cobol:85' })),
  };
  seen.deleted = await ow.actions.delete({ name: 'whole' });
  seen.severalDeleted = names(await ow.actions.delete(['chain', 'zipped']));
  seen.left = names(await ow.actions.list());
  return seen;
}

async function activations (ow) {
  const { activationId } = await ow.actions.invoke('greet');
  const record = await until(() => ow.activations.get(activationId).catch(() => null));
  const seen = {
    activationId, record,
    byOtherNames: [(await ow.activations.get({ activation: activationId })).name, (await ow.activations.get({ activationId })).name],
    result: await ow.activations.result({ name: activationId }),
    logs: (await ow.activations.logs({ name: activationId })).logs,
    listed: await ow.activations.list({ name: 'greet', limit: 1 }),
    second: await ow.activations.list({ limit: 1, skip: 1 }),
    whole: await ow.activations.list({ name: 'greet', docs: true, since: record.start, upto: record.start }),
    before: await ow.activations.list({ upto: OLD }),
    counted: await ow.activations.list({ name: 'greet', count: true }),
    unknown: await refusal(() => ow.activations.get('0'.repeat(32))),
    short: await refusal(() => ow.activations.logs('0')),
  };
  return seen;
}

async function packages (ow) {
  const seen = {
    created: await ow.packages.create({ name: 'pack', package: { publish: true, parameters: [{ key: 'from', value: 'package' }] }, annotations: { why: 'test' } }),
    again: await refusal(() => ow.packages.create({ name: 'pack' })),
    updated: await ow.packages.update({ name: 'pack', package: { parameters: [{ key: 'from', value: 'update' }] } }),
    bound: await ow.packages.create({ packageName: 'bound', package: { binding: { namespace: '_', name: 'pack' }, parameters: [{ key: 'more', value: 1 }] } }),
  };
  await ow.actions.create({ name: 'pack/inner', action: ECHO });
  await ow.actions.create({ name: 'pack/source', action: ECHO, annotations: { feed: true } });
  seen.got = await ow.packages.get('pack');
  seen.inner = await ow.actions.invoke({ name: 'pack/inner', blocking: true, result: true });
  seen.throughBinding = await ow.actions.invoke({ name: 'bound/inner', blocking: true, result: true });
  seen.fully = await ow.actions.invoke({ name: `/${seen.created.namespace}/pack/inner`, blocking: true, result: true });
  seen.listed = names(await ow.packages.list({ limit: 10, skip: 0 }));
  seen.counted = await ow.packages.list({ count: true });
  seen.system = (await ow.packages.list({ namespace: 'whisk.system', public: true })).some(({ name }) => name === 'alarms');
  seen.foreign = (await ow.packages.get('/whisk.system/utils')).actions.some(({ name }) => name === 'echo');
  seen.invoked = await refusal(async () => ow.packages.invoke('pack'));
  seen.full = await refusal(() => ow.packages.delete('pack'));
  for (const name of ['pack/inner', 'pack/source']) await ow.actions.delete(name);
  seen.deleted = names(await ow.packages.delete(['bound', 'pack']));
  seen.left = names(await ow.packages.list());
  return seen;
}

async function triggers (ow) {
  const parameters = [{ key: 'where', value: 'here' }];
  return {
    created: await ow.triggers.create({ name: 'bell', trigger: { parameters }, annotations: { why: 'test' } }),
    plain: await ow.triggers.create({ triggerName: 'plain' }),
    again: await refusal(() => ow.triggers.create({ name: 'bell' })),
    updated: await ow.triggers.update({ name: 'bell', trigger: { parameters: [...parameters, { key: 'when', value: 'now' }] } }),
    got: await ow.triggers.get('bell'),
    listed: names(await ow.triggers.list({ limit: 5, skip: 0 })),
    counted: await ow.triggers.list({ count: true }),
    unheard: await ow.triggers.invoke({ name: 'bell' }),
    missing: await refusal(() => ow.triggers.invoke('nothing')),
    deleted: await ow.triggers.delete('plain'),
  };
}

async function rules (ow) {
  await ow.actions.create({ name: 'heard', action: ECHO });
  const seen = {
    created: await ow.rules.create({ name: 'ring', action: 'heard', trigger: 'bell', annotations: { why: 'test' } }),
    again: await refusal(() => ow.rules.create({ name: 'ring', action: 'heard', trigger: 'bell' })),
    got: await ow.rules.get('ring'),
    ofTrigger: (await ow.triggers.get('bell')).rules,
    listed: names(await ow.rules.list({ limit: 5, skip: 0 })),
    counted: await ow.rules.list({ count: true }),
  };
  const { activationId } = await ow.triggers.invoke({ name: 'bell', params: { tone: 'low' } });
  const fired = await until(() => ow.activations.get(activationId).catch(() => null));
  const line = JSON.parse(fired.logs[0]);
  const heard = await until(() => ow.activations.get(line.activationId).catch(() => null));
  Object.assign(seen, { line, heard: heard.response.result });
  seen.disabled = await ow.rules.disable({ name: 'ring' });
  seen.off = (await ow.rules.get({ ruleName: 'ring' })).status;
  seen.unheard = await ow.triggers.invoke({ name: 'bell' });
  seen.enabled = await ow.rules.enable({ name: 'ring' });
  seen.on = (await ow.rules.get('ring')).status;
  seen.updated = await ow.rules.update({ name: 'ring', action: 'greet', trigger: 'bell' });
  seen.noAction = await refusal(() => ow.rules.create({ name: 'other', action: 'nothing', trigger: 'bell' }));
  seen.invoked = await refusal(async () => ow.rules.invoke('ring'));
  seen.deleted = await ow.rules.delete({ name: 'ring' });
  await ow.triggers.delete('bell');
  return seen;
}

async function feeds (ow) {
  await ow.triggers.create({ name: 'ticks' });
  await ow.actions.create({ name: 'source', action: ECHO, annotations: { feed: true } });
  const seen = {};
  for (const method of ['create', 'get', 'update', 'delete']) {
    const { response } = await ow.feeds[method]({ feedName: 'source', trigger: 'ticks', params: { every: 3 } });
    seen[method] = response.result;
  }
  const alarm = { name: '/whisk.system/alarms/interval', trigger: 'ticks' };
  const result = (record) => record.response.result;
  seen.alarmCreated = result(await ow.feeds.create({ ...alarm, params: { minutes: 600 } }));
  seen.alarmGot = result(await ow.feeds.get(alarm));
  seen.alarmUpdated = result(await ow.feeds.update({ ...alarm, params: { minutes: 300 } }));
  seen.alarmAfter = result(await ow.feeds.get(alarm));
  seen.alarmDeleted = result(await ow.feeds.delete(alarm));
  seen.alarmGone = await refusal(() => ow.feeds.get(alarm));
  await ow.triggers.delete('ticks');
  await ow.actions.delete('source');
  return seen;
}

async function routes (ow) {
  const web = { 'web-export': true };
  await ow.actions.create({ name: 'web', action: WEB, annotations: web });
  await ow.actions.create({ name: 'locked', action: WEB, annotations: { ...web, 'require-whisk-auth': 'pass' } });
  const ask = async (url, options) => { const answer = await fetch(url, options); return [answer.status, await answer.json().catch(() => null)]; };
  const club = { basepath: '/club', name: 'the club' };
  const created = await ow.routes.create({ ...club, relpath: '/people/{name}', operation: 'get', action: 'web', responsetype: 'http' });
  const url = created.gwApiUrl;
  await ow.routes.create({ ...club, relpath: '/locked', operation: 'post', action: 'locked', responsetype: 'http', secure_key: 'pass' });
  const seen = {
    created,
    person: await ask(`${url}/people/Ada`),
    locked: await ask(`${url}/locked`, { method: 'POST' }),
    listed: (await ow.routes.list()).apis.map(({ value: { apidoc } }) => [apidoc.basePath, apidoc.info.title]),
    got: Object.keys((await ow.routes.get({ basepath: '/club' })).apis[0].value.apidoc.paths).sort(),
    byName: (await ow.routes.get({ name: 'the club' })).apis.length,
    onePath: Object.keys((await ow.routes.list({ basepath: '/club', relpath: '/locked', operation: 'post' })).apis[0].value.apidoc.paths),
    noWebAction: await refusal(() => ow.routes.create({ ...club, relpath: '/x', operation: 'get', action: 'greet' })),
  };
  const whisk = { namespace: created.namespace, action: 'web', package: 'default', url: 'x.http' };
  const swagger = { swagger: '2.0', info: { title: 'told', version: '1' }, basePath: '/told', paths: { '/': { get: { 'x-openwhisk': whisk } } } };
  const told = await ow.routes.create({ swagger: JSON.stringify(swagger) });
  seen.told = await ask(`${told.gwApiUrl}/?name=Grace`);
  await ow.routes.delete({ basepath: '/club', relpath: '/locked', operation: 'post' });
  seen.afterPath = Object.keys((await ow.routes.get({ basepath: '/club' })).apis[0].value.apidoc.paths);
  await ow.routes.delete({ basepath: '/club' });
  await ow.routes.delete({ name: 'told' });
  seen.left = (await ow.routes.list()).apis.length;
  for (const name of ['web', 'locked']) await ow.actions.delete(name);
  return seen;
}

async function clients (make, options, { token, namespace, apihost }) {
  const deploying = make({ ...options, api: `${apihost}/runtime/api/v1/`, namespace, auth_handler: { getAuthHeader: async () => `Bearer ${token}` } });
  const patient = make({ ...options, namespace, retry: { retries: 1, minTimeout: 10 } });
  return {
    bearer: names(await deploying.actions.list()),
    patient: names(await patient.actions.list()),
    repeated: await refusal(() => patient.actions.get('nothing')),
    stranger: await refusal(() => make({ ...options, api_key: 'a:b' }).actions.list()),
    foreign: await refusal(() => make({ ...options, namespace: 'whisk.system' }).triggers.list()),
  };
}

async function main (make, options, args) {
  const ow = make(options);
  const seen = { namespaces: await ow.namespaces.list() };
  seen.actions = await actions(ow, args);
  seen.activations = await activations(ow);
  seen.packages = await packages(ow);
  seen.triggers = await triggers(ow);
  seen.rules = await rules(ow);
  seen.namespace = await ow.namespaces.get();
  seen.feeds = await feeds(ow);
  seen.routes = await routes(ow);
  seen.clients = await clients(make, options, args);
  for (const name of ['greet', 'heard']) await ow.actions.delete(name);
  return seen;
}

exports.main = (args) => main(require('openwhisk'), {}, args);

if (require.main === module) {
  const [home, options, args] = process.argv.slice(2);
  main(require(home), JSON.parse(options), JSON.parse(args)).then((seen) => console.log(JSON.stringify(seen)), (error) => { console.error(error); process.exit(1); });
}
