// What goes on as long as somebody can see it.

/** Calls `call` every `ms` until `element`, which is in the document by then, is not there any more. */
export function whileShown(element, ms, call) {
  const timer = setInterval(() => (element.isConnected ? call() : clearInterval(timer)), ms);
}
