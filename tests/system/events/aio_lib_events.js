// Everything that the npm package @adobe/aio-lib-events does, as a program: prints what it saw as JSON.
//
// Argument: {"package", "url", "org", "project", "workspace", "clientId", "token", "hook"?}. Two things of Adobe's clouds
// stand beside the package: the store in which it keeps public keys is a Map here, and requests to the host of the keys
// go to the platform.
const http = require('http')
const https = require('https')

const given = JSON.parse(process.argv[2])
const KEYS_HOST = 'static.adobeioevents.com'
const platform = new URL(given.url)

const request = https.request
https.request = (options, ...rest) => {
  if (options.hostname !== KEYS_HOST) return request(options, ...rest)
  return http.request({ ...options, protocol: 'http:', hostname: platform.hostname, host: platform.host, port: platform.port, agent: undefined }, ...rest)
}

const state = require.resolve('@adobe/aio-lib-state', { paths: [given.package] })
const kept = new Map()
const store = { get: async (key) => kept.has(key) ? { value: kept.get(key) } : undefined, put: async (key, value) => { kept.set(key, value) } }
require.cache[state] = { id: state, filename: state, loaded: true, exports: { init: async () => store } }

const place = [given.org, given.project, given.workspace]
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

async function refusal (promise) {
  try {
    await promise
  } catch (error) {
    return { code: error.code, conflictingId: error.sdkDetails && error.sdkDetails.conflictingId, message: error.message }
  }
  throw new Error('it was not refused')
}

async function verified (client) {
  // Verify what a webhook received, which the test wrote into a file.
  const { body, headers } = given.hook
  const options = {
    digiSignature1: headers['x-adobe-digital-signature-1'],
    digiSignature2: headers['x-adobe-digital-signature-2'],
    publicKeyPath1: headers['x-adobe-public-key1-path'],
    publicKeyPath2: headers['x-adobe-public-key2-path']
  }
  return {
    genuine: await client.verifyDigitalSignatureForEvent(body, given.clientId, options),
    forged: await client.verifyDigitalSignatureForEvent(body.replace('genuine', 'forged'), given.clientId, options),
    stranger: (await client.verifyDigitalSignatureForEvent(body, 'somebody', options)).error.statusCode
  }
}

async function all (client) {
  const seen = {}
  const provider = await client.createProvider(...place, { label: 'Garden', description: 'What grows' })
  seen.provider = provider
  await client.createEventMetadataForProvider(...place, provider.id, { event_code: 'rain', label: 'It rains', description: 'x' })
  await client.createEventMetadataForProvider(...place, provider.id, { event_code: 'sun', label: 'It shines', description: 'x' })
  await client.updateEventMetadataForProvider(...place, provider.id, 'sun', { event_code: 'sun', label: 'Sun', description: 'y' })
  seen.updated = await client.updateProvider(...place, provider.id, { label: 'Orchard' })
  seen.metadata = await client.getAllEventMetadataForProvider(provider.id)
  seen.one = await client.getEventMetadataForProvider(provider.id, 'sun')
  seen.fetched = await client.getProvider(provider.id, true)
  seen.providers = await client.getAllProviders(given.org, { fetchEventMetadata: true })
  const form = {
    name: 'weather',
    description: 'all of it',
    client_id: given.clientId,
    delivery_type: 'journal',
    events_of_interest: [{ provider_id: provider.id, event_code: 'rain' }]
  }
  const registration = await client.createRegistration(...place, form)
  seen.registration = registration
  seen.taken = await refusal(client.createRegistration(...place, form))
  const both = [...form.events_of_interest, { provider_id: provider.id, event_code: 'sun' }]
  seen.changed = await client.updateRegistration(...place, registration.registration_id, { ...form, events_of_interest: both })
  seen.read = await client.getRegistration(...place, registration.registration_id)
  seen.listed = await client.getAllRegistrationsForWorkspace(...place)
  seen.org = await client.getAllRegistrationsForOrg(given.org, { page: 0, size: 10 })

  const journal = registration._links['rel:events'].href
  seen.empty = await client.getEventsFromJournal(journal)
  const event = (id, code) => ({ specversion: '1.0', id, source: provider.source, type: code, datacontenttype: 'application/json', data: { id } })
  seen.answers = [await client.publishEvent(event('1', 'rain')), await client.publishEvent(event('2', 'sun')), await client.publishEvent(event('3', 'snow'))]
  seen.notAnEvent = await refusal(client.publishEvent({ hello: 'world' }))
  seen.page = await client.getEventsFromJournal(journal, { limit: 1 })
  seen.next = await client.getEventsFromJournal(seen.page.link.next)
  seen.end = await client.getEventsFromJournal(seen.next.link.next)
  const observable = client.getEventsObservableFromJournal(journal, {}, { interval: 100 })
  seen.observed = []
  await new Promise((resolve, reject) => {
    const subscription = observable.subscribe({
      next: (each) => {
        seen.observed.push(each.event.data.id)
        if (seen.observed.length === 2) { subscription.unsubscribe(); resolve() }
      },
      error: reject
    })
  })
  await client.deleteRegistration(...place, registration.registration_id)
  await client.deleteEventMetadata(...place, provider.id, 'sun')
  await client.deleteAllEventMetadata(...place, provider.id)
  await client.deleteProvider(...place, provider.id)
  seen.gone = await refusal(client.getProvider(provider.id))
  await sleep(0)
  return seen
}

async function main () {
  const events = require(given.package)
  const options = { eventsBaseURL: given.url, eventsIngressURL: `${given.url}/events/publish`, timeout: 30000 }
  const client = await events.init(given.org, given.clientId, given.token, options)
  const seen = await (given.hook ? verified(client) : all(client))
  process.stdout.write('\n' + JSON.stringify(seen))
  process.exit(0)
}

main().catch((error) => { console.error(error); process.exit(1) })
