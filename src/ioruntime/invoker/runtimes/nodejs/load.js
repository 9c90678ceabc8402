'use strict';
// Finds the function to call, in source text or in an unpacked archive.

const fs = require('fs');
const path = require('path');
const Module = require('module');

/** A refusal whose message says it all: no stack of ours behind it. */
class CodeError extends Error {
  constructor(message) {
    super(message);
    this.stack = message;
  }
}

/** Resolves to the entry function of an /init value; rejects with what the code threw, or a CodeError. */
async function loadAction({ main, code, directory, working_directory: workingDirectory }) {
  if (directory || workingDirectory) process.chdir(directory || workingDirectory);
  const entry = directory ? await fromDirectory(directory, main) : fromSource(code, main);
  if (typeof entry !== 'function') throw new CodeError(`Action entrypoint '${main}' is not a function.`);
  return entry;
}

/** `main` is looked for among the top-level names first, then among the exports; it may be dotted. */
function fromSource(code, main) {
  const names = main.split('.');
  const file = path.join(process.cwd(), 'index.js');
  const source = new Module(file, null);
  source.filename = file;
  source.paths = Module._nodeModulePaths(process.cwd());
  source._compile(code + topLevelProbe(names[0]), file);
  source.loaded = true;
  const found = source.topLevel === undefined ? source.exports[names[0]] : source.topLevel;
  return names.slice(1).reduce((value, name) => Object(value)[name], found);
}

/** Code that hands a top-level name to us; on a line of its own, for the source may end in a comment. */
function topLevelProbe(name) {
  if (!isBindable(name)) return '';
  return `\n;typeof module === 'object' && (module.topLevel = typeof ${name} === 'undefined' ? undefined : ${name});`;
}

function isBindable(name) {
  if (!/^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(name)) return false;
  try {
    new Function(name, '');
    return true;
  } catch (error) {
    return false; // a reserved word, which can only be an export
  }
}

/** `main` is a function of the package's entry module, or `path/to/file.function`. */
async function fromDirectory(directory, main) {
  const dot = main.lastIndexOf('.');
  const [file, name] = dot > 0 ? [main.slice(0, dot), main.slice(dot + 1)] : [undefined, main];
  if (file === undefined && !['package.json', 'index.js'].some((each) => fs.existsSync(path.join(directory, each)))) {
    throw new CodeError('Zipped actions must contain either package.json or index.js at the root.');
  }
  const loaded = await loadModule(file === undefined ? directory : path.join(directory, file));
  const fallback = Object(loaded).default;
  return Object(loaded)[name] === undefined ? Object(fallback)[name] : loaded[name];
}

async function loadModule(where) {
  const file = require.resolve(where);
  if (isModule(file)) return import(require('url').pathToFileURL(file).href);
  try {
    return require(file);
  } catch (error) {
    if (Object(error).code !== 'ERR_REQUIRE_ESM' && Object(error).code !== 'ERR_REQUIRE_ASYNC_MODULE') throw error;
    return import(require('url').pathToFileURL(file).href);
  }
}

/** By Node's rule: the extension, else `type` of the nearest package.json. */
function isModule(file) {
  if (/\.[cm]js$/.test(file)) return file.endsWith('.mjs');
  for (let folder = path.dirname(file); ; folder = path.dirname(folder)) {
    const manifest = path.join(folder, 'package.json');
    if (fs.existsSync(manifest)) return JSON.parse(fs.readFileSync(manifest, 'utf8')).type === 'module';
    if (folder === path.dirname(folder)) return false;
  }
}

module.exports = { loadAction };
