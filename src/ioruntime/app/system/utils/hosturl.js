'use strict';

const EXTENSIONS = ['.html', '.http', '.json', '.svg', '.text'];

/** Returns the URL that invokes an action, calls a web action or fires a trigger of the invoking namespace. */
function main({ path = '', web = false, trigger = false, ext = '' }) {
  const problem = refusal(path, web, trigger, ext);
  if (problem) return { error: problem };
  const api = `${(process.env.__OW_API_HOST || '').replace(/\/+$/, '')}/api/v1`;
  const namespace = process.env.__OW_NAMESPACE;
  const base = web ? `${api}/web/${namespace}` : `${api}/namespaces/${namespace}/${trigger ? 'triggers' : 'actions'}`;
  if (!path) return { url: base };
  return { url: `${base}/${web && !path.includes('/') ? 'default/' : ''}${path}${web ? ext : ''}` };
}

function refusal(path, web, trigger, ext) {
  if (typeof path !== 'string') return "The parameter 'path' must be a text.";
  if (web && trigger) return 'Triggers are not web actions.';
  if (web && ext && !EXTENSIONS.includes(ext)) return `The extension of a web action must be one of ${EXTENSIONS.join(', ')}.`;
  if (trigger && path.includes('/')) return 'Triggers are not in packages.';
  return undefined;
}
