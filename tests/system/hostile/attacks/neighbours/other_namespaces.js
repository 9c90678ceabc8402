// Asks the API for the actions of another namespace with its own key.
// expect: denied
const http = require('http')

function main({ apiPort, victim }) {
  const auth = Buffer.from(process.env.__OW_API_KEY || 'none:none').toString('base64')
  return new Promise(resolve => {
    const request = http.get({ host: '127.0.0.1', port: apiPort, path: `/api/v1/namespaces/${victim}/actions`, headers: { authorization: `Basic ${auth}` } }, answer => {
      resolve({ breaches: answer.statusCode === 200 ? ['listed'] : [] }); answer.resume()
    })
    request.on('error', () => resolve({ breaches: [] }))
  })
}
