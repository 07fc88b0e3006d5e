/**
 * Connections to Redis. Node only; ioredis and BullMQ are installed beside flatvol by who wants them.
 *
 * @module
 */
import type { Redis } from "ioredis";

/** Where a Redis server is. It may hold a password: no message shows it. */
export interface RedisAddress {
  readonly url: string;
  /** Host and port, for a reader. */
  readonly shown: string;
}

/**
 * Reads `redis://[user:password@]host[:port][/database]`, or `rediss://` for TLS.
 *
 * @throws RangeError naming `redis`, without the text: there may be a password in it.
 */
export function parseRedisUrl(text: unknown): RedisAddress {
  const wrong = "redis: expected a URL like redis://host:6379 or, with TLS, rediss://user:password@host:6379/0";
  let url: URL;
  try {
    url = new URL(String(text));
  } catch {
    throw new RangeError(wrong);
  }
  const database = /^(\/\d{0,4})?$/.test(url.pathname);
  if (!["redis:", "rediss:"].includes(url.protocol) || url.hostname === "" || !database) throw new RangeError(wrong);
  return { url: url.href, shown: `${url.protocol}//${url.hostname}:${url.port || 6379}` };
}

/** Loads a package that flatvol does not bring. */
export async function loadOptional<T>(name: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ERR_MODULE_NOT_FOUND") throw error;
    throw new Error(`the queue needs the packages bullmq and ioredis (${name} is missing): npm install bullmq ioredis`);
  }
}

/** Milliseconds between attempts to reach the server. */
const SLOWEST_RETRY = 2000;

/**
 * Connects.
 *
 * @param patient true: waits for a server that is away, for ever; false: fails soon.
 * @throws Error naming host and port: no server there, or it does not let us in.
 */
export async function connect(address: RedisAddress, patient: boolean): Promise<Redis> {
  const { Redis: Client } = await loadOptional("ioredis", () => import("ioredis"));
  const client = new Client(address.url, {
    lazyConnect: true,
    maxRetriesPerRequest: patient ? null : 2,
    connectTimeout: 10_000,
    retryStrategy: (times) => (patient || times <= 3 ? Math.min(100 * times, SLOWEST_RETRY) : null),
  });
  let last: Error | undefined;
  client.on("error", (error: Error) => {
    last = error;
  });
  try {
    // the first connection is never waited for: an address that is wrong stays wrong
    await client.connect();
    await client.ping();
    return client;
  } catch (error) {
    client.disconnect();
    throw unreachable(address, last ?? (error as Error));
  }
}

/** A failure of the connection, in words that hold no secret. */
export function unreachable({ shown }: RedisAddress, error: Error): Error {
  const { code, message } = error as NodeJS.ErrnoException;
  const refused = /^(NOAUTH|WRONGPASS|NOPERM|ERR)\b/.exec(message)?.[1];
  const why = refused === undefined ? (code ?? message.split("\n")[0]) : `it refuses: ${message.split("\n")[0]}`;
  // not as its cause: a driver's error may hold the command that failed, and with it a password
  return new Error(`cannot use Redis at ${shown} (${why})`);
}
