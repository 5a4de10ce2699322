// The event loop on the virtual clock: ticks, promise jobs, timers, input, immediates - in node's order.

import { advance, now, runJobs } from 'internal:binding';
import { heapPop, heapPush } from './heap.js';

const ticks = [];
const immediates = new Map();
const input = [];
const timers = new Map();
const heap = [];
let sequence = 0;
let reportError;
let rejections = new Map();
const reported = new WeakSet();

export function onUncaught(report) {
  reportError = report;
}

export function milliseconds() {
  return Math.floor(now() / 1000);
}

// Runs a callback of the program; what it throws ends the program, unless the program listens for it.
function guarded(callback, ...values) {
  try {
    callback(...values);
  } catch (error) {
    reportError(error, 'uncaughtException');
  }
}

export function addTick(callback, values) {
  ticks.push([callback, values]);
}

export function addImmediate(callback, values) {
  const id = ++sequence;
  immediates.set(id, [callback, values]);
  return id;
}

export function removeImmediate(id) {
  immediates.delete(id);
}

// A task of the poll phase: the delivery of stdin.
export function addInput(task) {
  input.push(task);
}

export function addTimer(timer, delay) {
  timer.due = milliseconds() + delay;
  timer.order = ++sequence;
  timers.set(timer.id, timer);
  heapPush(heap, [timer.due, timer.order, timer.id]);
}

export function removeTimer(id) {
  timers.delete(Number(id));
}

export function hasTimer(id) {
  return timers.has(id);
}

export function trackRejection(promise, reason, handled) {
  if (!handled) rejections.set(promise, reason);
  else if (!rejections.delete(promise) && reported.delete(promise))
    addTick(reportError, [undefined, 'rejectionHandled', promise]);
}

function jobs() {
  for (;;) {
    try {
      runJobs();
      return;
    } catch (error) {
      reportError(error, 'uncaughtException');
    }
  }
}

// What happens between two callbacks: all ticks, then all promise jobs, until both are done.
export function settle() {
  do {
    while (ticks.length > 0) {
      const [callback, values] = ticks.shift();
      guarded(callback, ...values);
      if (ticks.length === 0) break;
    }
    jobs();
    if (ticks.length === 0) reportRejections();
  } while (ticks.length > 0);
}

// A module's top level is itself a promise job: the other jobs come before the ticks.
export function settleModule() {
  jobs();
  settle();
}

function reportRejections() {
  if (rejections.size === 0) return;
  const unhandled = rejections;
  rejections = new Map();
  for (const [promise, reason] of unhandled) {
    reported.add(promise);
    reportError(reason, 'unhandledRejection', promise);
  }
}

// The timer that is due next. Cancelled and re-armed timers leave stale entries in the heap: dropped when they come up.
function firstTimer() {
  while (heap.length > 0) {
    const [due, order, id] = heap[0];
    const timer = timers.get(id);
    if (timer !== undefined && timer.due === due && timer.order === order) return timer;
    heapPop(heap);
  }
  return undefined;
}

function runTimers() {
  const limit = milliseconds();
  for (let timer = firstTimer(); timer !== undefined && timer.due <= limit; timer = firstTimer()) {
    timers.delete(timer.id);
    guarded(timer.run);
    if (timer.repeat !== undefined && !timers.has(timer.id)) addTimer(timer, timer.repeat);
    settle();
  }
}

function runImmediates() {
  const due = [...immediates.entries()];
  for (const [id, [callback, values]] of due) {
    if (!immediates.delete(id)) continue;
    guarded(callback, ...values);
    settle();
  }
}

function runInput() {
  const due = input.splice(0);
  for (const task of due) {
    guarded(task);
    settle();
  }
}

// With nothing to do but wait, time passes at once.
function sleep() {
  if (immediates.size > 0 || input.length > 0) return;
  const next = firstTimer();
  if (next !== undefined) advance(next.due * 1000 - now());
}

function isAlive() {
  if (immediates.size > 0 || input.length > 0) return true;
  for (const timer of timers.values()) if (timer.active) return true;
  return false;
}

// A program's first millisecond is over when its loop begins: timers of 0 and 1 ms come before immediates.
export function startLoop() {
  advance(1000);
}

// Turns until nothing keeps the program alive, or until `done()`.
export function hasWork() {
  return ticks.length > 0 || isAlive();
}

export function runLoop(done = () => false) {
  settle();
  while (!done() && isAlive()) {
    sleep();
    runTimers();
    runInput();
    runImmediates();
  }
}
